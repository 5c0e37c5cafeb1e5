#ifndef NLG_MEDIAN_H
#define NLG_MEDIAN_H

/* Of count >= 1 values that are numbers, which are sorted in place. */
double nlg_median(double *values, int count);

#endif
