/* LeNet-5's output layer (LeCun et al. 1998, section II.B, equation 7): Euclidean radial basis functions with fixed codes.
 * y[i] = -sum over j of (x[j] - code[i][j])^2: minus the paper's penalty, so that the largest output wins as in other networks.
 *
 * The codes are stylised digits of 7 x 12 pixels, +1 for ink and -1 for paper, drawn for this project in the paper's manner.
 * Cost: other_ops 3 per pair of input and class (difference, square, addition). */
#include "layers/ops/op_util.h"

enum { CLASSES = 10, ROWS = 12, COLUMNS = 7, CODE = ROWS * COLUMNS };

static const char *const digits[CLASSES][ROWS] = {
    {".......", "..###..", ".#...#.", ".#...#.", "#.....#", "#.....#", "#.....#", "#.....#", ".#...#.", ".#...#.", "..###..",
     "......."},
    {".......", "...#...", "..##...", ".#.#...", "...#...", "...#...", "...#...", "...#...", "...#...", "...#...", ".#####.",
     "......."},
    {".......", ".####..", "#....#.", "......#", "......#", ".....#.", "....#..", "..##...", ".#.....", "#......", "#######",
     "......."},
    {".......", ".#####.", "#.....#", "......#", "......#", "..####.", "......#", "......#", "......#", "#.....#", ".#####.",
     "......."},
    {".......", "....#..", "...##..", "..#.#..", ".#..#..", "#...#..", "#...#..", "#######", "....#..", "....#..", "....#..",
     "......."},
    {".......", "######.", "#......", "#......", "#.###..", "##...#.", "......#", "......#", "......#", "#....#.", ".####..",
     "......."},
    {".......", "...###.", "..#....", ".#.....", "#......", "#.###..", "##...#.", "#.....#", "#.....#", ".#....#", "..####.",
     "......."},
    {".......", "#######", "......#", ".....#.", ".....#.", "....#..", "....#..", "...#...", "...#...", "..#....", "..#....",
     "......."},
    {".......", ".#####.", "#.....#", "#.....#", ".#...#.", "..###..", ".#...#.", "#.....#", "#.....#", "#.....#", ".#####.",
     "......."},
    {".......", ".####..", "#....#.", "#.....#", "#.....#", ".#...##", "..###.#", "......#", ".....#.", "....#..", ".###...",
     "......."},
};

static nlg_status infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    (void)attrs, (void)n_x;
    if (shape_size(*x) != CODE || x->c != CODE)
        return nlg_fail(err, NLG_ERR_INPUT, "rbf: input %dx%dx%d, expected 1x1x%d", x->h, x->w, x->c, (int)CODE);
    *y = (nlg_shape){1, 1, CLASSES};
    return NLG_OK;
}

static int params(const void *attrs, const nlg_shape *x, int n_x, nlg_param_spec *out) {
    (void)attrs, (void)x, (void)n_x;
    out[0] = (nlg_param_spec){"codes", NLG_PARAM_CONSTANT, 2, {CLASSES, CODE}};
    return 1;
}

static bool init(const void *attrs, int index, float *value, size_t count, nlg_rng rng) {
    (void)attrs, (void)index, (void)rng;
    for (size_t i = 0; i < count && i < CLASSES * CODE; i++)
        value[i] = digits[i / CODE][i % CODE / COLUMNS][i % COLUMNS] == '#' ? 1.0f : -1.0f;
    return true;
}

static void cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    (void)attrs, (void)n_x;
    cost->other_ops = 3 * shape_size(*x) * y.c;
}

static void forward(const nlg_op_call *call) {
    for (int64_t n = 0; n < call->y.n; n++) {
        const float *x = call->x[0].data + n * call->x[0].ld, *code = call->param[0];
        float *y = call->y.data + n * call->y.ld;
        for (int i = 0; i < CLASSES; i++, code += CODE) {
            double sum = 0.0;
            for (int j = 0; j < CODE; j++) {
                double d = (double)x[j] - (double)code[j];
                sum += d * d;
            }
            y[i] = (float)-sum;
        }
    }
}

static void backward(const nlg_op_call *call) {
    for (int64_t n = 0; n < call->y.n && call->dx[0].data; n++) {
        const float *x = call->x[0].data + n * call->x[0].ld, *dy = call->dy.data + n * call->dy.ld;
        float *dx = call->dx[0].data + n * call->dx[0].ld;
        for (int j = 0; j < CODE; j++) {
            double sum = call->accumulate_dx[0] ? (double)dx[j] : 0.0;
            for (int i = 0; i < CLASSES; i++) sum -= 2.0 * (double)dy[i] * ((double)x[j] - (double)call->param[0][i * CODE + j]);
            dx[j] = (float)sum;
        }
    }
}

static const char *word(const void *attrs, nlg_shape x) {
    (void)attrs, (void)x;
    return "RBF";
}

const nlg_op nlg_op_rbf = {
    .name = "rbf",
    .summary = "squared distances to fixed codes (LeNet-5)",
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NLG_OP_READS_X,
    .infer = infer,
    .params = params,
    .init = init,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .word = word,
};
