/* Private to the folder: listing folders of pictures, one folder per class, each picture once. */
#ifndef NLG_IMAGE_TREE_H
#define NLG_IMAGE_TREE_H

#include "datasets/format.h"

typedef struct nlg_picture {
    const char *path; /* in the data set's arena */
    int32_t label;
} nlg_picture;

typedef struct nlg_pictures {
    nlg_picture *items;
    size_t count, capacity;
} nlg_pictures;

/* Folders that were walked, by device and inode: a link to one of them is not walked again. Zeros: none; free both lists by
 * nlg_free. */
typedef struct nlg_folders_seen {
    struct nlg_folder_id *ids;
    size_t count, capacity;
} nlg_folders_seen;

/* The subfolders of `root`, sorted: by value where all names are numbers, else by bytes. */
nlg_status nlg_image_tree_classes(nlg_dataset *dataset, const char *root, nlg_pictures *classes, nlg_folders_seen *seen,
                                  nlg_error *err);
/* The JPEG and PNG files in a folder and below, sorted by path. What is passed over is noted as left out: pictures of other
 * endings, those deeper than 8 folders, links to folders that were walked already and links that lead to nothing. */
nlg_status nlg_image_tree_list(nlg_dataset *dataset, const char *folder, int32_t label, nlg_pictures *pictures,
                               nlg_folders_seen *seen, nlg_error *err);

bool nlg_is_folder(const char *path);
bool nlg_has_class_folders(const char *root);
bool nlg_is_number(const char *name); /* decimal digits alone */
int nlg_compare_class_names(const char *a, const char *b, bool numbers);
const char *nlg_last_part(const char *path);

#endif
