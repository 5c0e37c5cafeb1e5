/* IDX files: the format of MNIST (LeCun, Cortes, Burges 1998) and Fashion-MNIST (Xiao, Rasul, Vollgraf 2017).
 * Big-endian: two zero bytes, the type (8: unsigned bytes), the rank, one 32-bit size per dimension, then the values. */
#include <string.h>

#include "datasets/format.h"
#include "layers/base/digest.h"
#include "layers/base/file.h"

enum { UNSIGNED_BYTES = 8, LONGEST_SIDE = 1 << 14 };

/* Reads the sizes and the values behind them, checking that neither is more or less than the other says. */
typedef struct idx_file {
    nlg_unpacker *unpacker;
    const char *path, *what; /* what it holds: "images" or "labels" */
    nlg_digest *digest;
    uint32_t size[3];
} idx_file;

static nlg_status read_exactly(idx_file *f, void *into, size_t size, const char *part, nlg_error *err) {
    size_t got;
    NLG_TRY(nlg_unpacker_read(f->unpacker, into, size, &got, err));
    if (got < size)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected %zu bytes of %s, found %zu: the file is truncated; fetch it again",
                        f->path, size, part, got);
    if (f->digest) nlg_digest_update(f->digest, into, size);
    return NLG_OK;
}

static nlg_status read_header(idx_file *f, int rank, nlg_error *err) {
    uint8_t bytes[16];
    NLG_TRY(read_exactly(f, bytes, 4, "IDX header", err));
    if (bytes[0] || bytes[1] || bytes[2] != UNSIGNED_BYTES || bytes[3] != rank)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: expected the IDX magic number 0000%02x%02x of %s, found %02x%02x%02x%02x; is this the right file?",
                        f->path, UNSIGNED_BYTES, rank, f->what, bytes[0], bytes[1], bytes[2], bytes[3]);
    NLG_TRY(read_exactly(f, bytes, 4 * (size_t)rank, "IDX header", err));
    for (int i = 0; i < rank; i++) {
        const uint8_t *b = bytes + 4 * i;
        f->size[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    }
    if (f->size[0] == 0)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected at least one of its %s, found a header that says 0; fetch it again",
                        f->path, f->what);
    size_t values = 1;
    for (int i = 0; i < rank; i++) {
        size_t product = 0;
        if ((i > 0 && (f->size[i] == 0 || f->size[i] > LONGEST_SIDE)) || !nlg_size_mul_add(&product, values, f->size[i]))
            return nlg_fail(err, NLG_ERR_INPUT, "%s: expected sides from 1 to %d, found %u x %u; fetch it again", f->path,
                            LONGEST_SIDE, f->size[1], f->size[2]);
        values = product;
    }
    uint64_t bound = nlg_unpacker_bound(f->unpacker);
    if (values > bound) /* before anything of that size is allocated */
        return nlg_fail(
            err, NLG_ERR_INPUT,
            "%s: expected %zu bytes for the %u %s that its header announces, found a file of at most %llu: it is truncated or its "
            "header damaged; fetch it again",
            f->path, values, f->size[0], f->what, (unsigned long long)bound);
    return NLG_OK;
}

static nlg_status expect_end(idx_file *f, size_t values, nlg_error *err) {
    uint8_t extra;
    size_t got;
    NLG_TRY(nlg_unpacker_read(f->unpacker, &extra, 1, &got, err));
    if (got)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected its end after %zu bytes of %s, found more; fetch it again", f->path,
                        values, f->what);
    return NLG_OK;
}

static nlg_status open_file(const char *folder, const char *name, const char *what, nlg_digest *digest, idx_file *f,
                            nlg_error *err) {
    char path[NLG_PATH_BYTES];
    if (!nlg_path_join(path, folder, name)) return nlg_fail(err, NLG_ERR_INPUT, "%s: the path is too long", folder);
    NLG_TRY(nlg_unpacker_open(path, &f->unpacker, err));
    f->path = nlg_unpacker_path(f->unpacker);
    f->what = what;
    f->digest = digest;
    return NLG_OK;
}

static nlg_status read_images(idx_file *f, nlg_samples *samples, nlg_error *err) {
    NLG_TRY(nlg_samples_allocate(samples, f->size[0], (int)f->size[1], (int)f->size[2], 1, f->path, err));
    NLG_TRY(read_exactly(f, samples->pixels, samples->pixel_bytes, "images", err));
    return expect_end(f, samples->pixel_bytes, err);
}

/* labels: [count], or NULL: they are only checked. */
static nlg_status read_labels(idx_file *f, const char *images_path, uint32_t count, int classes, int32_t *into, nlg_error *err) {
    NLG_TRY(read_header(f, 1, err));
    if (f->size[0] != count)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected %u labels, as many as there are images in %s, found %u; fetch both again",
                        f->path, count, images_path, f->size[0]);
    uint8_t *labels = nlg_alloc(count, 1);
    if (!labels) return nlg_fail_memory(err, count, f->path);
    nlg_status status = read_exactly(f, labels, count, "labels", err);
    if (status == NLG_OK) status = expect_end(f, count, err);
    for (uint32_t i = 0; status == NLG_OK && i < count; i++) {
        if (into) into[i] = labels[i];
        if (labels[i] >= classes)
            status =
                nlg_fail(err, NLG_ERR_INPUT, "%s: expected labels from 0 to %d, found %d for image %u (byte %u); fetch it again",
                         f->path, classes - 1, labels[i], i, 8 + i);
    }
    nlg_free(labels);
    return status;
}

static const char *images_name(bool test) {
    return test ? "t10k-images-idx3-ubyte.gz" : "train-images-idx3-ubyte.gz";
}
static const char *labels_name(bool test) {
    return test ? "t10k-labels-idx1-ubyte.gz" : "train-labels-idx1-ubyte.gz";
}

static int classes_in_files(const nlg_dataset *dataset) {
    return dataset->format->classes_in_files ? dataset->format->classes_in_files : dataset->format->classes;
}

/* Leaves out the images of other classes; the order of the rest stays. */
static nlg_status keep_classes(const nlg_dataset *dataset, const char *path, nlg_samples *samples, nlg_error *err) {
    const nlg_dataset_format *format = dataset->format;
    const size_t image = (size_t)samples->h * (size_t)samples->w * (size_t)samples->c;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < samples->count; i++) {
        const int label = samples->labels[i] - format->first_class;
        if (label < 0 || label >= format->classes) continue;
        if (kept < i) memcpy(samples->pixels + kept * image, samples->pixels + i * image, image);
        samples->labels[kept++] = label;
    }
    samples->count = kept;
    if (kept) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s: expected images of the classes %d to %d, found none; fetch it again", path,
                    format->first_class, format->first_class + format->classes - 1);
}

/* The labels first: they are small, and tell whether the images, which may be packed a thousandfold, are worth unpacking. */
static nlg_status check_labels(nlg_dataset *dataset, bool test, const idx_file *images, nlg_error *err) {
    idx_file labels = {0};
    nlg_status status = open_file(dataset->options.folder, labels_name(test), "labels", NULL, &labels, err);
    if (status == NLG_OK) status = read_labels(&labels, images->path, images->size[0], classes_in_files(dataset), NULL, err);
    nlg_unpacker_close(labels.unpacker);
    return status;
}

static nlg_status load(nlg_dataset *dataset, bool test, nlg_samples *samples, nlg_error *err) {
    nlg_digest *digest = nlg_digest_create();
    if (!digest) return nlg_fail_memory(err, 64, "a digest");
    const char *folder = dataset->options.folder;
    idx_file images = {0}, labels = {0};
    nlg_status status = open_file(folder, images_name(test), "images", digest, &images, err);
    if (status == NLG_OK) status = open_file(folder, labels_name(test), "labels", digest, &labels, err);
    if (status == NLG_OK) status = read_header(&images, 3, err);
    if (status == NLG_OK) status = check_labels(dataset, test, &images, err);
    if (status == NLG_OK) status = read_images(&images, samples, err);
    if (status == NLG_OK)
        status = read_labels(&labels, images.path, samples->count, classes_in_files(dataset), samples->labels, err);
    if (status == NLG_OK && dataset->format->classes_in_files) status = keep_classes(dataset, images.path, samples, err);
    nlg_unpacker_close(images.unpacker);
    nlg_unpacker_close(labels.unpacker);
    nlg_digest_finish(digest, samples->digest);
    return status;
}

static nlg_status check_test(nlg_dataset *dataset, nlg_error *err) {
    idx_file images = {0}, labels = {0};
    const nlg_samples *training = &dataset->training;
    nlg_status status = open_file(dataset->options.folder, images_name(true), "images", NULL, &images, err);
    if (status == NLG_OK) status = read_header(&images, 3, err);
    if (status == NLG_OK && ((int)images.size[1] != training->h || (int)images.size[2] != training->w))
        status = nlg_fail(err, NLG_ERR_INPUT, "%s: expected images of %d x %d as in training, found %u x %u; fetch them again",
                          images.path, training->w, training->h, images.size[2], images.size[1]);
    if (status == NLG_OK) status = open_file(dataset->options.folder, labels_name(true), "labels", NULL, &labels, err);
    if (status == NLG_OK) status = read_header(&labels, 1, err);
    if (status == NLG_OK && labels.size[0] != images.size[0])
        status =
            nlg_fail(err, NLG_ERR_INPUT, "%s: expected %u labels, as many as there are images in %s, found %u; fetch both again",
                     labels.path, images.size[0], images.path, labels.size[0]);
    nlg_unpacker_close(images.unpacker);
    nlg_unpacker_close(labels.unpacker);
    return status;
}

static bool present(const char *folder) {
    char path[NLG_PATH_BYTES];
    return (nlg_path_join(path, folder, "train-images-idx3-ubyte.gz") && nlg_file_exists(path)) ||
           (nlg_path_join(path, folder, "train-images-idx3-ubyte") && nlg_file_exists(path));
}

#define LAYOUT                                                                                                                     \
    "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz, or the same "   \
    "without .gz"

/* --- the data sets -------------------------------------------------------------------------------------------------- */

static const char *const garments[] = {"T-shirt/top", "trouser", "pullover", "dress", "coat",
                                       "sandal",      "shirt",   "sneaker",  "bag",   "ankle boot"};

#define FASHION "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
static const nlg_dataset_file fashion_files[] = {
    {"train-images-idx3-ubyte.gz", FASHION "train-images-idx3-ubyte.gz", 26421880,
     "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
     "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
    {"train-labels-idx1-ubyte.gz", FASHION "train-labels-idx1-ubyte.gz", 29515,
     "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
     "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
    {"t10k-images-idx3-ubyte.gz", FASHION "t10k-images-idx3-ubyte.gz", 4422102,
     "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
     "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
    {"t10k-labels-idx1-ubyte.gz", FASHION "t10k-labels-idx1-ubyte.gz", 5148,
     "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
     "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"},
};

extern const nlg_dataset_format nlg_dataset_fashion_mnist, nlg_dataset_mnist;

const nlg_dataset_format nlg_dataset_fashion_mnist = {
    .name = "fashion-mnist",
    .summary = "70,000 gray images of garments, 28x28, 10 classes (Xiao, Rasul, Vollgraf 2017)",
    .layout = LAYOUT,
    .classes = 10,
    .class_names = garments,
    .files = fashion_files,
    .file_count = 4,
    .debian_folder = "/usr/share/datasets/fashion-mnist",
    .debian_package = "dataset-fashion-mnist",
    .load = load,
    .check_test = check_test,
    .present = present,
};

/* Halves of the classes: what is found on one can be tried on the other. */
#define HALF(symbol, title, first, which)                                                                                          \
    extern const nlg_dataset_format nlg_dataset_##symbol;                                                                          \
    const nlg_dataset_format nlg_dataset_##symbol = {                                                                              \
        .name = title,                                                                                                             \
        .summary = "the " which " five classes of fashion-mnist, 35,000 images",                                                   \
        .layout = LAYOUT,                                                                                                          \
        .classes = 5,                                                                                                              \
        .first_class = first,                                                                                                      \
        .classes_in_files = 10,                                                                                                    \
        .class_names = garments + (first),                                                                                         \
        .made_of = &nlg_dataset_fashion_mnist,                                                                                     \
        .load = load,                                                                                                              \
        .check_test = check_test,                                                                                                  \
        .present = present,                                                                                                        \
    }
HALF(fashion_mnist_first, "fashion-mnist-first", 0, "first");
HALF(fashion_mnist_last, "fashion-mnist-last", 5, "last");

static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

/* The authors' own server no longer hands the files out; this is the copy that torchvision takes. */
#define MNIST "https://ossci-datasets.s3.amazonaws.com/mnist/"
static const nlg_dataset_file mnist_files[] = {
    {"train-images-idx3-ubyte.gz", MNIST "train-images-idx3-ubyte.gz", 9912422,
     "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
     "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
    {"train-labels-idx1-ubyte.gz", MNIST "train-labels-idx1-ubyte.gz", 28881,
     "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
     "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
    {"t10k-images-idx3-ubyte.gz", MNIST "t10k-images-idx3-ubyte.gz", 1648877,
     "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
     "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
    {"t10k-labels-idx1-ubyte.gz", MNIST "t10k-labels-idx1-ubyte.gz", 4542,
     "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
     "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
};

const nlg_dataset_format nlg_dataset_mnist = {
    .name = "mnist",
    .summary = "70,000 gray images of handwritten digits, 28x28, 10 classes (LeCun, Cortes, Burges 1998)",
    .layout = LAYOUT,
    .classes = 10,
    .class_names = digits,
    .files = mnist_files,
    .file_count = 4,
    .load = load,
    .check_test = check_test,
    .present = present,
};
