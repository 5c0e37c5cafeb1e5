/* Figures: two files of one name. plots/NAME.sql states in its head what the figure is and selects its rows; plots/NAME.gp draws
 * them.
 *
 * Head, one line each, a text may go on in lines that begin with "--   ":
 *
 *   -- title: caption: section: alt:   texts; section is the id of a part of the report, or
 *       "experiment": where the claims of the experiment stand; {experiment} stands for its name
 *   -- needs:   the command that makes what is missing when the query has no rows
 *   -- each: experiment                one figure for each experiment that has rows; the query uses :experiment
 *   -- x: -- y: titles of the axes, with the unit         -- xscale: -- yscale: linear (default), log, category
 *   -- add: columns of `lineage plot NAME --add FILE`, see nlg_query_load_rows; they are the table `added`
 *   -- input: columns of rows that a command hands over; they are the table `input`
 *
 * Columns of the query: x and y (numbers; on an axis of categories text), and if wanted
 *
 *   series (text in the legend)     line (points of one line are joined, in their order)     low, high (ends of a bar in y)
 *   source ('published': hollow; 'recalled': a cross; 'ours'; 'added': a user's)   designer ('human', 'searched': colour and shape)
 *   single (1: a small point, one of those that a larger one sums up)
 *   label (text beside the point), priority (larger: placed first), hover (text under the mouse); every other number is passed on.
 *   panel (rows of one text are a picture of their own, e.g. those of one search space)
 *   x_scale (of the first row: "log" or "linear", in place of the head's)
 *
 * A text of the head may have {column}: it stands for that column in the first row, for what only the rows can tell, such as units.
 *
 * What gnuplot reads of this has numbers only: all texts are placed before it starts (harness/report/layout.h). */
#ifndef NLG_FIGURE_H
#define NLG_FIGURE_H

#include "harness/query/query.h"

typedef enum { NLG_LINEAR, NLG_LOG, NLG_CATEGORY } nlg_scale;

typedef struct nlg_figure {
    char *name, *title, *caption, *section, *alt, *needs, *x, *y, *add, *input; /* "" where not stated */
    char *sql, *script;                                                         /* path of the .gp */
    bool each_experiment;
    nlg_scale x_scale, y_scale;
} nlg_figure;

/* All figures by name. A fault in a file is an error that names file and key. Free with nlg_figures_free. */
nlg_status nlg_figures_load(nlg_figure **figures, int *count, nlg_error *err);
void nlg_figures_free(nlg_figure *figures, int count);
/* NLG_ERR_INPUT with the nearest name. */
nlg_status nlg_figure_find(const nlg_figure *figures, int count, const char *name, const nlg_figure **figure, nlg_error *err);

/* All experiments of :profile, and those whose times were taken here, in order. */
#define NLG_EXPERIMENTS_SQL                                                                                                        \
    "SELECT experiment FROM members WHERE profile = :profile UNION SELECT experiment FROM here_results WHERE profile = :here AND " \
    "measure = 'latency' ORDER BY experiment"

/* Makes the tables `added` and `input` that a figure's query may use; rows: the text of one of them (which: the head says), or
 * NULL. */
nlg_status nlg_figure_tables(const nlg_figure *figure, nlg_query *query, const char *rows, const char *what, nlg_error *err);
/* Runs the query; after nlg_figure_tables. experiment: NULL but for each_experiment. */
nlg_status nlg_figure_rows(const nlg_figure *figure, nlg_query *query, const char *profile, const char *experiment, nlg_rows **rows,
                           nlg_error *err);
/* A head's text with {experiment}, and {column} from the first row (rows may be NULL), filled in; NULL when memory is short. Free
 * with nlg_free. */
char *nlg_figure_text(const char *text, const char *experiment, const nlg_rows *rows);

#endif
