/* A contact sheet of a data set. */
#ifndef NLG_DATA_SHOW_H
#define NLG_DATA_SHOW_H

#include "datasets/dataset.h"

/* The first `images` training images in rows of six, with boxes and names, as a PNG file. */
nlg_status nlg_data_sheet(const nlg_dataset *dataset, int images, const char *path, nlg_error *err);

#endif
