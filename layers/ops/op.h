/* The operation interface: one layer family per file, one row of ops.def each.
 *
 * An op is a constant table of functions over private parameters ("attrs"). It knows nothing of graphs or models. Shapes are per
 * image; the batch is a property of a call. All tensors are NHWC with a pixel distance `ld`, so an input or output may be a
 * channel slice of a wider tensor. */
#ifndef NLG_OP_H
#define NLG_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layers/base/rng.h"
#include "layers/base/status.h"
#include "layers/kernels/exec.h"

enum { NLG_OP_MAX_INPUTS = 24, NLG_OP_MAX_PARAMS = 12 };

/* Shape of one image's value: H x W pixels of C channels; a feature vector is 1 x 1 x C. */
typedef struct nlg_shape {
    int h, w, c;
} nlg_shape;

/* What an op is in drawings. */
typedef enum {
    NLG_ROLE_LAYER,  /* a box of its own: it has weights, or changes its input like few others do */
    NLG_ROLE_POOL,   /* a box of its own */
    NLG_ROLE_DETAIL, /* a word in the box of the layer before it: norms, activations */
    NLG_ROLE_HIDDEN, /* nothing: the values pass as they are, but for training */
    NLG_ROLE_SUM,    /* a sign in a circle */
    NLG_ROLE_GATE,   /* the same: a product */
    NLG_ROLE_JOIN,   /* a wide box that paths end in */
} nlg_op_role;

struct nlg_onnx_use;

/* A view: element (n, y, x, ch) is data[((n * h + y) * w + x) * ld + ch]. */
typedef struct nlg_tensor {
    float *data;
    int n, h, w, c;
    int64_t ld;
} nlg_tensor;

/* Roles decide initialisation, weight decay and the reference filling. */
typedef enum {
    NLG_PARAM_WEIGHT,       /* rank >= 2, He's or torch's uniform initialisation (layers/graph/weights.c), decayed */
    NLG_PARAM_BIAS,         /* zero */
    NLG_PARAM_NORM_WEIGHT,  /* one */
    NLG_PARAM_NORM_BIAS,    /* zero */
    NLG_PARAM_RUNNING_MEAN, /* zero, not trainable */
    NLG_PARAM_RUNNING_VAR,  /* one, not trainable */
    NLG_PARAM_CONSTANT,     /* written by the op's init, not trainable, not counted (LeNet-5's RBF codes) */
    NLG_PARAM_VECTOR,       /* another trainable vector, initialised by the op's init (or one) */
} nlg_param_role;

/* Shape in state-dict order: convolution O,I,H,W; linear O,I; vectors [n]. */
typedef struct nlg_param_spec {
    const char *suffix; /* "weight", "bias", "running_mean", ... ; the full name is <layer name>.<suffix> */
    nlg_param_role role;
    int rank;
    int shape[4];
} nlg_param_spec;

typedef struct nlg_op_cost {
    int64_t macs;      /* multiply-accumulates of convolutions and linear layers, per image */
    int64_t other_ops; /* everything else: biases, norms, activations, pools, additions; one per scalar operation, per image */
} nlg_op_cost;

/* A window that moves over the image. */
typedef struct nlg_window {
    int kernel[2], stride[2]; /* rows, columns */
    int pad[4];               /* top, bottom, left, right */
    bool same;                /* TensorFlow's rule decides the padding, not `pad` */
    int dilation, groups;     /* groups 0: none to speak of */
} nlg_window;

/* One use of an op: everything a node sees when it runs. */
typedef struct nlg_op_call {
    const nlg_exec *exec;
    const void *attrs;
    bool training;         /* the plan keeps what backward needs */
    bool batch_statistics; /* batch norm uses and updates batch statistics, dropout and drop path are active */
    int n_x;
    nlg_tensor x[NLG_OP_MAX_INPUTS];
    nlg_tensor dx[NLG_OP_MAX_INPUTS];      /* data == NULL: not wanted */
    bool accumulate_dx[NLG_OP_MAX_INPUTS]; /* add to dx instead of overwriting it */
    nlg_tensor y, dy;
    int n_params;
    float *param[NLG_OP_MAX_PARAMS];
    float *dparam[NLG_OP_MAX_PARAMS]; /* NULL: not wanted */
    bool accumulate_dparam;           /* shared weights: add to dparam instead of overwriting it */
    float *packed;                    /* packed_size floats, written by pack, kept while the weights stay */
    float *saved;                     /* saved_size floats, written by forward, read by backward */
    float *scratch;                   /* scratch_size floats, free for any use within a call */
    nlg_rng rng;                      /* keyed by seed, step and node: for dropout and drop path */
    int64_t first_image;              /* the call covers the batch's images from here on (tensors and saved start there) */
    float *parts;                     /* part_size floats for each part of the batch: reduce writes one, settle reads all */
    int part, n_parts, part_images;   /* all parts but the last have part_images images */
} nlg_op_call;

typedef enum {
    NLG_OP_READS_X = 1,        /* backward reads x */
    NLG_OP_READS_Y = 2,        /* backward reads y */
    NLG_OP_IN_PLACE = 4,       /* forward may write y over x[0], and backward dx[0] over dy (same shape; requires !READS_X) */
    NLG_OP_RANDOM = 8,         /* does nothing but while training with batch statistics */
    NLG_OP_CONCATENATES = 16,  /* y is the channels of all inputs in order: they may lie there from the start */
    NLG_OP_FUSES_TRAINING = 32 /* `act` may be used in training too, and `add` in training only */
} nlg_op_flags;

/* A batch may be cut: forward and backward are called for ranges of its images, by several workers at once, each with a scratch of
 * its own, and backward may change dy; saved_size must therefore grow alike with each image, and dparam be a sum over images. An op
 * that has `reduce` mixes the images of a batch (while batch_statistics): reduce sums over a range, settle then finds what forward
 * needs from all sums, and likewise reduce_backward and settle_backward, which writes dparam. settle is called once, with the whole
 * batch's tensors.
 *
 * Sizes are asked with a call whose tensors have shapes but no data, for the largest batch; they must not shrink as the batch
 * grows. pack, packed_size and part_size must not depend on the batch. Optional members may be NULL (size 0, nothing to do). */
typedef struct nlg_op {
    const char *name, *summary; /* summary: for lists, without a verb */
    size_t attrs_size;
    int min_inputs, max_inputs;
    unsigned flags;
    /* Output shape of one image, or an error that says what was expected and found. */
    nlg_status (*infer)(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err);
    /* Parameters in state-dict order; returns their number. */
    int (*params)(const void *attrs, const nlg_shape *x, int n_x, nlg_param_spec *out);
    /* Optional: initialise parameter `index` where the role's default does not do; returns false to take the default. */
    bool (*init)(const void *attrs, int index, float *value, size_t count, nlg_rng rng);
    /* Required: an op without a counting rule is an error. */
    void (*cost)(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost);
    size_t (*packed_size)(const nlg_op_call *call);
    size_t (*saved_size)(const nlg_op_call *call);
    size_t (*scratch_size)(const nlg_op_call *call); /* for forward, and when call->training also for backward */
    void (*pack)(const nlg_op_call *call);           /* training: before each forward; inference: once */
    void (*forward)(const nlg_op_call *call);
    void (*backward)(const nlg_op_call *call); /* NULL: no gradient passes (inputs of data) */
    size_t (*part_size)(const nlg_op_call *call);
    void (*reduce)(const nlg_op_call *call);
    void (*settle)(const nlg_op_call *call);
    void (*reduce_backward)(const nlg_op_call *call);
    void (*settle_backward)(const nlg_op_call *call);
    /* Optional, for the planner, which may leave the work of later nodes to this op. Where the attrs say: the activation of y; that
     * a last input of y's shape is added before it; that dx is set to 0 where x, a ReLU's output, is (NULL: not with this shape).
     */
    nlg_act *(*act)(void *attrs);
    bool *(*add)(void *attrs);
    bool *(*gate)(void *attrs, nlg_shape x, const nlg_exec *exec);
    /* Optional: takes over the op behind it in inference, whose parameters then follow its own; false: it cannot. */
    bool (*fold)(void *attrs, const struct nlg_op *later, const void *later_attrs);
    /* Optional, of nodes that may be left to an op before them: the activation if the op is nothing else, else NLG_ACT_NONE;
     * whether it is the plain sum of two inputs. */
    nlg_act (*activates)(const void *attrs);
    bool (*sums_two)(const void *attrs, int n_x);
    /* Optional: what an operation's text in tables of latency says in place of describe, with all that was left to the op. */
    void (*describe_fused)(const void *attrs, char *text, size_t size);
    /* Optional: flags READS_X and READS_Y where they depend on attrs (fused activations); overrides `flags` for these two. */
    unsigned (*reads)(const void *attrs);
    /* Optional: name of the algorithm that shapes choose, e.g. "winograd". */
    const char *(*algorithm)(const nlg_op_call *call);
    /* Optional: short text for tables, e.g. "3x3 s2 p1 g32". */
    void (*describe)(const void *attrs, char *text, size_t size);
    /* Optional, for ops that move a window over the image: what tables and drawings say of it. */
    nlg_window (*window)(const void *attrs, nlg_shape x);
    /* Optional, for drawings: what the op is, and its word there ("depthwise conv"; without it the name). */
    nlg_op_role role;
    const char *(*word)(const void *attrs, nlg_shape x);
    /* Optional, for ONNX files (layers/ops/onnx.h): writes the nodes of one use; false: it has no form there. */
    bool (*onnx)(const struct nlg_onnx_use *use);
    bool gives_vectors; /* in ONNX: [N, C] and not [N, C, 1, 1] */
} nlg_op;

/* Registry: one row in ops.def per op. */
const nlg_op *nlg_op_find(const char *name);
int nlg_op_count(void);
const nlg_op *nlg_op_at(int index);

/* A call as one part, for callers without a plan: call->parts holds nlg_op_parts_size floats. */
size_t nlg_op_parts_size(const nlg_op *op, const nlg_op_call *call);
void nlg_op_forward(const nlg_op *op, const nlg_op_call *call);
void nlg_op_backward(const nlg_op *op, const nlg_op_call *call);

static inline bool nlg_op_mixes_images(const nlg_op *op, bool batch_statistics) {
    return batch_statistics && op->reduce != NULL;
}

static inline int64_t nlg_tensor_pixels(const nlg_tensor *t) {
    return (int64_t)t->n * t->h * t->w;
}

#endif
