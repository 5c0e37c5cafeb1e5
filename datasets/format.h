/* Private to the folder: what a data set's file provides, and what the shared code makes of it. */
#ifndef NLG_DATASETS_FORMAT_H
#define NLG_DATASETS_FORMAT_H

#include "datasets/dataset.h"
#include "layers/base/memory.h"

/* Images have 1 or 3 channels. */
enum { NLG_MAX_CHANNELS = 3, NLG_PATH_BYTES = 4096 };

/* The samples of the files for training (train and validation split) or of those for testing. */
typedef struct nlg_samples {
    uint32_t count;
    int h, w, c;
    int32_t *labels; /* [count], 0 .. classes-1; NULL where the format has objects: */
    nlg_object *objects;
    uint32_t *first_object; /* [count + 1]: objects first_object[i] .. first_object[i + 1] - 1 are those of sample i */
    double *scale;          /* [count]: pixels of the decoded sample for each of the file's; NULL: 1 */
    uint8_t *pixels;        /* [count, h, w, c], from nlg_alloc_large; NULL: decoded by the format's `read` */
    size_t pixel_bytes;
    uint8_t *kept;       /* [n_kept, h, w, c]: what `read` has painted so far of the first samples */
    uint8_t *kept_state; /* [n_kept], for kept.c */
    uint32_t n_kept;
    const char **paths;        /* [count], for `read`; the strings are in the data set's arena */
    uint32_t fixed_validation; /* the last so many are the validation split, cut by the files themselves */
    uint64_t sum[NLG_MAX_CHANNELS], square[NLG_MAX_CHANNELS]; /* of all pixels, filled by whoever has them at hand first */
    bool summed;
    uint32_t summed_samples; /* they are of so many only; 0: of all */
    char digest[65];
    struct nlg_samples *source; /* generated sets: the samples that these are made from, owned; may have one itself */
} nlg_samples;

/* One downloadable file. */
typedef struct nlg_dataset_file {
    const char *name;
    const char *address;
    uint64_t bytes;
    const char *sha256;          /* of the file */
    const char *unpacked_sha256; /* of its contents without gzip, for repacked copies; NULL: not known */
} nlg_dataset_file;

struct nlg_dataset_format {
    const char *name, *summary;
    const char *layout; /* which files the folder holds */
    int classes;        /* 0: found by load */
    /* Some of the classes of its files: from first_class on, of so many; 0: all, `classes`. */
    int first_class, classes_in_files;
    nlg_target_kind targets;
    const char *const *class_names;
    const nlg_dataset_file *files; /* to fetch; the first one tells whether a folder holds the set */
    int file_count;
    const char *debian_folder, *debian_package; /* NULL: none */
    bool needs_folder;                          /* has no default one: NAME:DIR */
    const nlg_dataset_format *made_of;          /* generated from the files of this data set; NULL: has files of its own */
    /* Reads the files into `samples`, zeroed before; what was allocated is freed by nlg_samples_release also on failure. */
    nlg_status (*load)(nlg_dataset *dataset, bool test, nlg_samples *samples, nlg_error *err);
    /* Decodes one sample into pixels [h, w, c]; needed where load leaves pixels NULL. */
    nlg_status (*read)(const nlg_dataset *dataset, const nlg_samples *samples, uint32_t sample, uint8_t *pixels, nlg_error *err);
    /* Optional: could the test split be opened? Looks at names and headers only. */
    nlg_status (*check_test)(nlg_dataset *dataset, nlg_error *err);
    /* Does this folder hold the training files? */
    bool (*present)(const char *folder);
};

struct nlg_dataset {
    const nlg_dataset_format *format;
    nlg_dataset_options options; /* folder: in the arena */
    nlg_arena *arena;            /* names, paths, messages */
    nlg_dataset_info info;
    nlg_samples training, test;
    bool test_open;
    uint32_t *order; /* sample of each index: train first, then validation */
    const char **skipped;
    float normal[NLG_MAX_CHANNELS][256], plain[256]; /* value of each byte: normalised, and / 255 */
};

nlg_status nlg_samples_allocate(nlg_samples *samples, uint32_t count, int h, int w, int c, const char *what, nlg_error *err);
void nlg_samples_release(nlg_samples *samples);
/* Adds the sums over `pixels` pixels of c channels. */
void nlg_samples_sum(const uint8_t *bytes, size_t pixels, int c, uint64_t *sum, uint64_t *square);

/* ---- kept.c: generated samples that stay in memory ---- */

/* Makes room for as many samples of a generated set as fit into options.cache_bytes (0: 128 MiB); without memory for them none is
 * kept. */
void nlg_samples_keep(const nlg_dataset *dataset, nlg_samples *samples);
/* The pixels of a sample, read into `buffer` ([h, w, c]) or kept from before; threads may call it at the same time. */
nlg_status nlg_samples_pixels(const nlg_dataset *dataset, const nlg_samples *samples, uint32_t sample, uint8_t *buffer,
                              const uint8_t **pixels, nlg_error *err);

/* Notes a file left out; the line is copied. */
nlg_status nlg_dataset_skip(nlg_dataset *dataset, const char *line, nlg_error *err);

/* folder/name into path; false when it does not fit. */
bool nlg_path_join(char path[NLG_PATH_BYTES], const char *folder, const char *name);

/* ---- unpack.c: files that may be packed by gzip ---- */

typedef struct nlg_unpacker nlg_unpacker;
/* `path`, or `path` without its ".gz" where only that exists. */
nlg_status nlg_unpacker_open(const char *path, nlg_unpacker **unpacker, nlg_error *err);
void nlg_unpacker_close(nlg_unpacker *unpacker);
const char *nlg_unpacker_path(const nlg_unpacker *unpacker);
/* Bytes up to the end or `size`, whichever comes first, into *got. Damaged or truncated gzip is an NLG_ERR_INPUT, and so is a
 * packed file of more than nlg_unpacker_bound. */
nlg_status nlg_unpacker_read(nlg_unpacker *unpacker, void *into, size_t size, size_t *got, nlg_error *err);
/* A file unpacks to no more than this: for judging a header before allocating. Packed files are allowed 64 MiB, and a hundred times
 * their size above that: a file that unpacks to more was made to fill the memory. */
uint64_t nlg_unpacker_bound(const nlg_unpacker *unpacker);
/* A whole file, packed or not, with a zero behind its last byte; free with nlg_free. More than `limit` bytes are an error. */
nlg_status nlg_unpack_text(const char *path, size_t limit, char **text, size_t *size, nlg_error *err);
/* Writes a file packed by gzip, without name and time, so that equal bytes make equal files. */
nlg_status nlg_pack_file(const char *path, const void *bytes, size_t size, nlg_error *err);

#endif
