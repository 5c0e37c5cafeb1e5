/* Cells as pictures. */
#include "harness/report/cell_svg.h"

#include "harness/report/escape.h"

enum {
    PER_ROW = 3,
    OP_W = 78,
    OP_H = 22,
    GAP = 8,
    BLOCK_W = 2 * OP_W + GAP,
    BLOCK_GAP = 22,
    ROW_H = 112,
    TOP = 14,
    STATE_W = 70,
    PLUS = 9
};

typedef struct place {
    double x, y; /* the middle of a state's lower edge, where lines leave */
    int row;     /* 0: inputs */
} place;

typedef struct drawing {
    const nlg_cell *cell;
    place at[NLG_CELL_MAX_STATES];
    int in_row[NLG_CELL_MAX_STATES + 1], rows; /* blocks in each row from 1 on; the last row */
    int width;
} drawing;

/* Each block in the first row behind its inputs that has room. */
static void give_rows(drawing *d) {
    for (int b = 0; b < d->cell->n_blocks; b++) {
        const nlg_cell_block *block = &d->cell->blocks[b];
        int row = 1;
        for (int i = 0; i < 2; i++)
            if (d->at[block->in[i]].row >= row) row = d->at[block->in[i]].row + 1;
        while (row < NLG_CELL_MAX_STATES && d->in_row[row] == PER_ROW) row++;
        d->at[b + 2].row = row;
        d->in_row[row]++;
        if (row > d->rows) d->rows = row;
    }
    int widest = 1;
    for (int r = 1; r <= d->rows; r++)
        if (d->in_row[r] > widest) widest = d->in_row[r];
    d->width = widest * (BLOCK_W + BLOCK_GAP) + BLOCK_GAP;
    if (d->width < 300) d->width = 300;
}

static double middle_of_inputs(const drawing *d, int b) {
    return 0.5 * (d->at[d->cell->blocks[b].in[0]].x + d->at[d->cell->blocks[b].in[1]].x);
}

/* Within a row by the middle of the inputs, so that few lines cross. */
static void give_places(drawing *d) {
    for (int s = 0; s < 2; s++) d->at[s] = (place){d->width * (s ? 0.7 : 0.3), TOP + OP_H, 0};
    for (int r = 1; r <= d->rows; r++) {
        int order[NLG_CELL_MAX_BLOCKS], n = 0;
        for (int b = 0; b < d->cell->n_blocks; b++) {
            if (d->at[b + 2].row != r) continue;
            int k = n++;
            for (; k > 0 && middle_of_inputs(d, order[k - 1]) > middle_of_inputs(d, b); k--) order[k] = order[k - 1];
            order[k] = b;
        }
        double left = 0.5 * (d->width - n * BLOCK_W - (n - 1) * BLOCK_GAP);
        for (int k = 0; k < n; k++) {
            place *p = &d->at[order[k] + 2];
            p->x = left + k * (BLOCK_W + BLOCK_GAP) + 0.5 * BLOCK_W;
            p->y = TOP + r * ROW_H + 2 * PLUS + 30;
        }
    }
}

static void line(FILE *out, double x0, double y0, double x1, double y1) {
    double bend = 0.5 * (y1 - y0);
    fprintf(out, "<path d=\"M%.1f,%.1f C%.1f,%.1f %.1f,%.1f %.1f,%.1f\"/>\n", x0, y0, x0, y0 + bend, x1, y1 - bend, x1, y1);
}

static void box(FILE *out, double middle, double y, double width, const char *colour, const char *text) {
    fprintf(out,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"5\" class=\"box\" stroke=\"%s\" "
            "stroke-width=\"1.6\"/>\n",
            middle - 0.5 * width, y, width, OP_H, colour);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" stroke=\"none\" fill=\"currentColor\">", middle, y + 15);
    nlg_escape(out, NLG_ESCAPE_HTML, text);
    fputs("</text>\n", out);
}

static const char *colour_of(nlg_cell_op op) {
    switch (nlg_cell_ops[op].kind) {
    case NLG_CELL_KIND_IDENTITY:
        return "#888888";
    case NLG_CELL_KIND_AVG_POOL:
    case NLG_CELL_KIND_MAX_POOL:
        return "#009e73";
    default:
        return "#0072b2";
    }
}

static double op_x(const drawing *d, int block, int i) {
    return d->at[block + 2].x + (i ? 0.5 : -0.5) * (OP_W + GAP);
}

static double op_y(const drawing *d, int block) {
    return TOP + d->at[block + 2].row * ROW_H;
}

static void put_lines(const drawing *d, FILE *out, double out_y) {
    fputs("<g fill=\"none\" stroke=\"currentColor\" stroke-opacity=\"0.55\" stroke-width=\"1.2\">\n", out);
    for (int b = 0; b < d->cell->n_blocks; b++) {
        const place *sum = &d->at[b + 2];
        for (int i = 0; i < 2; i++) {
            const place *from = &d->at[d->cell->blocks[b].in[i]];
            line(out, from->x, from->y, op_x(d, b, i), op_y(d, b));
            line(out, op_x(d, b, i), op_y(d, b) + OP_H, sum->x, sum->y - 2 * PLUS);
        }
    }
    for (int s = 0; s < d->cell->n_blocks + 2; s++)
        if (d->cell->concat & NLG_STATE(s)) line(out, d->at[s].x, d->at[s].y, 0.5 * d->width, out_y);
    fputs("</g>\n", out);
}

void nlg_cell_svg(FILE *out, const nlg_cell *cell, const char *id, const char *title) {
    drawing d = {.cell = cell};
    if (!cell->n_blocks) return;
    give_rows(&d);
    give_places(&d);
    double out_y = TOP + (d.rows + 1) * ROW_H - 10;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" viewBox=\"0 0 %d %.0f\" role=\"img\" "
            "aria-labelledby=\"%s-title\""
            " class=\"cell\" font-family=\"sans-serif\" font-size=\"11.5\">\n<title id=\"%s-title\">",
            d.width, out_y + OP_H + TOP, d.width, out_y + OP_H + TOP, id, id);
    nlg_escape(out, NLG_ESCAPE_HTML, title);
    fputs("</title>\n<style>.cell{color:#1f2328}.cell .box{fill:#fff}"
          "@media(prefers-color-scheme:dark){.cell{color:#e6e8ea}.cell .box{fill:#15171a}}</style>\n",
          out);
    put_lines(&d, out, out_y);
    box(out, d.at[0].x, TOP, STATE_W, "#d55e00", "h[i-1]");
    box(out, d.at[1].x, TOP, STATE_W, "#d55e00", "h[i]");
    for (int b = 0; b < cell->n_blocks; b++) {
        for (int i = 0; i < 2; i++)
            box(out, op_x(&d, b, i), op_y(&d, b), OP_W, colour_of(cell->blocks[b].op[i]), nlg_cell_ops[cell->blocks[b].op[i]].name);
        fprintf(out,
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%d\" class=\"box\" stroke=\"currentColor\" stroke-width=\"1.2\"/>\n"
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"currentColor\">+</text>\n",
                d.at[b + 2].x, d.at[b + 2].y - PLUS, PLUS, d.at[b + 2].x, d.at[b + 2].y - PLUS + 4);
    }
    box(out, 0.5 * d.width, out_y, STATE_W, "#d55e00", "concat");
    fputs("</svg>\n", out);
}
