/* Places in layers, after Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System Structures", 1981:
 * layers by the longest path, lanes for arrows that pass layers, an order with few crossings, and places that shorten the arrows.
 */
#include "harness/report/boxes_place.h"

#include <math.h>
#include <string.h>

#include "layers/base/memory.h"

enum { LANE_W = 12, GAP_X = 16, GAP_Y = 20, CLOSE_GAP_Y = 12, BAR_GAP = 5, COLUMN_W = 128, ORDER_SWEEPS = 24, PLACE_SWEEPS = 160 };

typedef struct nlg_box_lanes nlg_box_lanes;

/* Cells are the boxes, then the lanes' crossings of layers. */
typedef struct link {
    int up, down; /* cells of neighbouring layers */
    double weight;
} link;

struct nlg_box_lanes {
    int n_cells, n_links, n_layers, n_boxes;
    int *first_lane;    /* by box: its lane's cell in the layer behind its own */
    int *layer, *place; /* by cell: layer, and its place in it */
    double *x, *w;      /* by cell */
    link *links;
    int *start, *order;      /* cells by layer, in order: order[start[l]] .. */
    int *up_start, *up_link; /* links of a cell to the layer above; by cell */
    int *down_start, *down_link;
    double *key; /* work, by cell */
    int *best;
};

static void free_lanes(nlg_box_lanes *s) {
    if (!s) return;
    void *all[] = {s->first_lane, s->layer,    s->place,   s->x,          s->w,         s->links, s->start,
                   s->order,      s->up_start, s->up_link, s->down_start, s->down_link, s->key,   s->best};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nlg_free(all[i]);
    nlg_free(s);
}

void nlg_boxes_free(nlg_boxes *b) {
    nlg_free(b->box);
    nlg_free(b->arrow);
    nlg_free(b->layer_top);
    nlg_free(b->layer_height);
    free_lanes(b->lanes);
    *b = (nlg_boxes){0};
}

/* --- layers --- */

static bool is_taken(const nlg_boxes *b, const bool *placed, int box, int layer) {
    for (int i = 0; i < b->n_boxes; i++)
        if (i != box && placed[i] && b->box[i].layer == layer && b->box[i].column == b->box[box].column) return true;
    return false;
}

/* A box comes behind all that lead to it. Arrows back, which no network has, count for nothing. */
static void give_layers(nlg_boxes *b, bool *placed) {
    for (int left = b->n_boxes; left > 0;) {
        int found = 0;
        for (int i = 0; i < b->n_boxes; i++) {
            bool ready = !placed[i];
            int layer = 0;
            for (int a = 0; ready && a < b->n_arrows; a++) {
                if (b->arrow[a].to != i) continue;
                const nlg_box *from = &b->box[b->arrow[a].from];
                ready = placed[b->arrow[a].from];
                if (from->layer >= layer) layer = from->layer + 1;
            }
            if (!ready) continue;
            while (b->in_columns && is_taken(b, placed, i, layer)) layer++;
            b->box[i].layer = layer;
            placed[i] = true;
            found++;
        }
        if (!found)
            for (int i = 0; i < b->n_boxes && !found; i++)
                if (!placed[i]) {
                    placed[i] = true;
                    found = 1;
                }
        left -= found;
    }
    for (int i = 0; i < b->n_boxes; i++)
        if (b->box[i].layer >= b->n_layers) b->n_layers = b->box[i].layer + 1;
}

/* --- cells and links --- */

static int last_layer_of(const nlg_boxes *b, int box) {
    int last = b->box[box].layer;
    for (int a = 0; a < b->n_arrows; a++)
        if (b->arrow[a].from == box && b->box[b->arrow[a].to].layer > last) last = b->box[b->arrow[a].to].layer;
    return last;
}

static int cell_towards(const nlg_boxes *b, const nlg_box_lanes *s, const nlg_arrow *a) {
    const int from = b->box[a->from].layer, to = b->box[a->to].layer;
    return to == from + 1 ? a->from : s->first_lane[a->from] + (to - 1) - (from + 1);
}

double nlg_box_lane_x(const nlg_boxes *b, int from, int layer) {
    return b->lanes->x[b->lanes->first_lane[from] + layer - b->box[from].layer - 1];
}

/* Does this arrow pass layers while another one leads from the same box to the next layer, like a shortcut past a path? */
static bool is_past(const nlg_boxes *b, int box) {
    for (int a = 0; a < b->n_arrows; a++)
        if (b->arrow[a].from == box && b->box[b->arrow[a].to].layer == b->box[box].layer + 1) return true;
    return false;
}

/* Does this box lie on a way of one box beside a longer one, as the projection of a shortcut does? */
static bool is_detour(const nlg_boxes *b, int box) {
    int n = 0, to = -1;
    for (int a = 0; a < b->n_arrows; a++)
        if (b->arrow[a].from == box) n++, to = b->arrow[a].to;
    return n == 1 && b->box[to].is_sign && b->box[to].layer > b->box[box].layer + 1;
}

static int arrows_of(const nlg_boxes *b, int box, bool from) {
    int n = 0;
    for (int a = 0; a < b->n_arrows; a++) n += box == (from ? b->arrow[a].from : b->arrow[a].to);
    return n;
}

/* How much a link wants to be upright: chains most, the ways past other boxes least. */
static const double past_weight = 0.002, usual_weight = 1, chain_weight = 6;

static double weight_of_exit(const nlg_boxes *b, int box) {
    return is_past(b, box) || is_detour(b, box) ? past_weight : arrows_of(b, box, true) == 1 ? chain_weight : usual_weight;
}

static double weight_of_entry(const nlg_boxes *b, const nlg_arrow *a, bool by_lane) {
    if (by_lane && (is_past(b, a->from) || is_detour(b, a->from))) return past_weight;
    if (b->box[a->to].dashed || is_detour(b, a->to)) return past_weight;
    return !by_lane && arrows_of(b, a->from, true) == 1 && arrows_of(b, a->to, false) == 1 ? chain_weight : usual_weight;
}

static void make_links(const nlg_boxes *b, nlg_box_lanes *s) {
    for (int i = 0, cell = b->n_boxes; i < b->n_boxes; i++) {
        const int first = b->box[i].layer + 1, last = last_layer_of(b, i);
        s->first_lane[i] = cell;
        for (int layer = first; layer < last; layer++, cell++) {
            s->layer[cell] = layer;
            s->w[cell] = LANE_W;
            s->links[s->n_links++] =
                (link){layer == first ? i : cell - 1, cell, layer == first ? weight_of_exit(b, i) : chain_weight};
        }
    }
    for (int a = 0; a < b->n_arrows; a++) {
        const nlg_arrow *arrow = &b->arrow[a];
        if (b->box[arrow->to].layer <= b->box[arrow->from].layer) continue;
        const int up = cell_towards(b, s, arrow);
        s->links[s->n_links++] = (link){up, arrow->to, weight_of_entry(b, arrow, up >= b->n_boxes)};
    }
}

static void index_links(nlg_box_lanes *s) {
    for (int k = 0; k < s->n_links; k++) s->up_start[s->links[k].down + 1]++, s->down_start[s->links[k].up + 1]++;
    for (int c = 0; c < s->n_cells; c++) s->up_start[c + 1] += s->up_start[c], s->down_start[c + 1] += s->down_start[c];
    for (int pass = 0; pass < 2; pass++) {
        int *start = pass ? s->down_start : s->up_start, *list = pass ? s->down_link : s->up_link;
        for (int c = 0; c < s->n_cells; c++) s->place[c] = start[c]; /* work */
        for (int k = 0; k < s->n_links; k++) list[s->place[pass ? s->links[k].up : s->links[k].down]++] = k;
    }
}

static nlg_status make_cells(nlg_boxes *b, nlg_box_lanes *s, nlg_error *err) {
    s->n_boxes = s->n_cells = b->n_boxes;
    s->n_layers = b->n_layers;
    for (int i = 0; i < b->n_boxes; i++) {
        const int lanes = last_layer_of(b, i) - b->box[i].layer - 1;
        if (lanes > 0) s->n_cells += lanes;
    }
    const size_t cells = (size_t)s->n_cells + 1, links = cells + (size_t)b->n_arrows;
    s->first_lane = nlg_alloc(cells, sizeof(int));
    s->layer = nlg_alloc(cells, sizeof(int));
    s->place = nlg_alloc(cells, sizeof(int));
    s->x = nlg_alloc(cells, sizeof(double));
    s->w = nlg_alloc(cells, sizeof(double));
    s->key = nlg_alloc(cells, sizeof(double));
    s->best = nlg_alloc(cells, sizeof(int));
    s->order = nlg_alloc(cells, sizeof(int));
    s->start = nlg_alloc((size_t)s->n_layers + 2, sizeof(int));
    s->up_start = nlg_alloc(cells, sizeof(int));
    s->down_start = nlg_alloc(cells, sizeof(int));
    s->links = nlg_alloc(links, sizeof(link));
    s->up_link = nlg_alloc(links, sizeof(int));
    s->down_link = nlg_alloc(links, sizeof(int));
    if (!s->first_lane || !s->layer || !s->place || !s->x || !s->w || !s->key || !s->best || !s->order || !s->start ||
        !s->up_start || !s->down_start || !s->links || !s->up_link || !s->down_link)
        return nlg_fail_memory(err, links * sizeof(link), "a drawing");
    for (int i = 0; i < b->n_boxes; i++) {
        s->layer[i] = b->box[i].layer;
        s->w[i] = nlg_box_room(&b->box[i]);
    }
    make_links(b, s);
    index_links(s);
    return NLG_OK;
}

/* --- order --- */

static void number_places(nlg_box_lanes *s) {
    for (int l = 0; l < s->n_layers; l++)
        for (int i = s->start[l]; i < s->start[l + 1]; i++) s->place[s->order[i]] = i - s->start[l];
}

static void begin_order(nlg_box_lanes *s) {
    int n = 0;
    for (int l = 0; l < s->n_layers; l++) {
        s->start[l] = n;
        for (int c = 0; c < s->n_cells; c++)
            if (s->layer[c] == l) s->order[n++] = c;
    }
    s->start[s->n_layers] = n;
    number_places(s);
}

static long crossings(const nlg_box_lanes *s) {
    long sum = 0;
    for (int l = 0; l + 1 < s->n_layers; l++)
        for (int i = s->start[l]; i < s->start[l + 1]; i++)
            for (int j = i + 1; j < s->start[l + 1]; j++) {
                const int a = s->order[i], c = s->order[j];
                for (int p = s->down_start[a]; p < s->down_start[a + 1]; p++)
                    for (int q = s->down_start[c]; q < s->down_start[c + 1]; q++)
                        sum += s->place[s->links[s->down_link[p]].down] > s->place[s->links[s->down_link[q]].down];
            }
    return sum;
}

/* Lanes stand to the right of boxes that want the same place. */
static void sort_layer(nlg_box_lanes *s, int layer) {
    int *list = s->order + s->start[layer];
    const int n = s->start[layer + 1] - s->start[layer];
    for (int i = 1; i < n; i++) {
        const int cell = list[i];
        int k = i;
        for (; k > 0; k--) {
            const int other = list[k - 1];
            const double difference = s->key[other] - s->key[cell];
            if (difference < 1e-9 && !(difference > -1e-9 && other >= s->n_boxes && cell < s->n_boxes)) break;
            list[k] = other;
        }
        list[k] = cell;
    }
    for (int i = 0; i < n; i++) s->place[list[i]] = i;
}

/* The mean place of the neighbours above or below. */
static double mean_place(const nlg_box_lanes *s, int cell, bool above) {
    const int *start = above ? s->up_start : s->down_start, *list = above ? s->up_link : s->down_link;
    double sum = 0;
    const int n = start[cell + 1] - start[cell];
    for (int k = start[cell]; k < start[cell + 1]; k++) sum += s->place[above ? s->links[list[k]].up : s->links[list[k]].down];
    return n ? sum / n : s->place[cell];
}

static void find_order(nlg_box_lanes *s) {
    long least = crossings(s);
    memcpy(s->best, s->order, (size_t)s->n_cells * sizeof *s->best);
    for (int sweep = 0; sweep < ORDER_SWEEPS && least > 0; sweep++) {
        const bool down = sweep % 2 == 0;
        for (int k = 0; k < s->n_layers; k++) {
            const int layer = down ? k : s->n_layers - 1 - k;
            for (int i = s->start[layer]; i < s->start[layer + 1]; i++) s->key[s->order[i]] = mean_place(s, s->order[i], down);
            sort_layer(s, layer);
        }
        const long found = crossings(s);
        if (found >= least) continue;
        least = found;
        memcpy(s->best, s->order, (size_t)s->n_cells * sizeof *s->best);
    }
    memcpy(s->order, s->best, (size_t)s->n_cells * sizeof *s->order);
    number_places(s);
}

/* By column; a lane keeps between where it comes from and where it leads. */
static void order_by_columns(const nlg_boxes *b, nlg_box_lanes *s) {
    for (int i = 0; i < b->n_boxes; i++) s->key[i] = b->box[i].column;
    for (int a = 0; a < b->n_arrows; a++) {
        const nlg_arrow *arrow = &b->arrow[a];
        const double from = b->box[arrow->from].column, to = b->box[arrow->to].column;
        const int first = s->first_lane[arrow->from], layer = b->box[arrow->from].layer + 1;
        for (int l = layer; l < b->box[arrow->to].layer; l++)
            s->key[first + l - layer] = from + 0.4 * (to > from ? 1 : to < from ? -1 : 1);
    }
    for (int l = 0; l < s->n_layers; l++) sort_layer(s, l);
}

/* --- places --- */

static double distance(const nlg_box_lanes *s, int left, int right) {
    const bool boxes = left < s->n_boxes && right < s->n_boxes;
    return 0.5 * (s->w[left] + s->w[right]) + (boxes ? GAP_X : 0.5 * GAP_X);
}

/* The least squares answer to what each cell of a layer wants, in their order and with their distances: neighbours that want to be
 * closer than they may stand together where both want least (pool adjacent violators). */
static void place_layer(nlg_box_lanes *s, int layer, const double *wish, const double *weight, double *mean, double *mass,
                        int *first) {
    const int *list = s->order + s->start[layer], n = s->start[layer + 1] - s->start[layer];
    double shift = 0;
    int pools = 0;
    for (int i = 0; i < n; i++) {
        if (i) shift += distance(s, list[i - 1], list[i]);
        mean[pools] = wish[i] - shift;
        mass[pools] = weight[i];
        first[pools++] = i;
        while (pools > 1 && mean[pools - 2] > mean[pools - 1]) {
            const double sum = mass[pools - 2] + mass[pools - 1];
            mean[pools - 2] = (mean[pools - 2] * mass[pools - 2] + mean[pools - 1] * mass[pools - 1]) / sum;
            mass[pools - 2] = sum;
            pools--;
        }
    }
    shift = 0;
    for (int i = 0, p = 0; i < n; i++) {
        if (i) shift += distance(s, list[i - 1], list[i]);
        while (p + 1 < pools && first[p + 1] <= i) p++;
        s->x[list[i]] = mean[p] + shift;
    }
}

static void wish_of(const nlg_boxes *b, const nlg_box_lanes *s, int cell, double *wish, double *weight) {
    double sum = 1e-6 * s->x[cell], mass = 1e-6;
    for (int k = s->up_start[cell]; k < s->up_start[cell + 1]; k++) {
        const link *l = &s->links[s->up_link[k]];
        sum += l->weight * s->x[l->up], mass += l->weight;
    }
    for (int k = s->down_start[cell]; k < s->down_start[cell + 1]; k++) {
        const link *l = &s->links[s->down_link[k]];
        sum += l->weight * s->x[l->down], mass += l->weight;
    }
    if (b->in_columns && cell < s->n_boxes) sum += 1e4 * COLUMN_W * b->box[cell].column, mass += 1e4;
    *wish = sum / mass;
    *weight = mass;
}

static nlg_status find_places(const nlg_boxes *b, nlg_box_lanes *s, nlg_error *err) {
    const size_t n = (size_t)s->n_cells + 1;
    double *work = nlg_alloc(4 * n, sizeof *work);
    int *first = nlg_alloc(n, sizeof *first);
    if (!work || !first) {
        nlg_free(work);
        nlg_free(first);
        return nlg_fail_memory(err, 4 * n * sizeof *work, "a drawing");
    }
    for (int sweep = 0; sweep < PLACE_SWEEPS; sweep++)
        for (int k = 0; k < s->n_layers; k++) {
            const int layer = sweep % 2 ? s->n_layers - 1 - k : k;
            for (int i = s->start[layer]; i < s->start[layer + 1]; i++)
                wish_of(b, s, s->order[i], &work[i - s->start[layer]], &work[n + (size_t)(i - s->start[layer])]);
            place_layer(s, layer, work, work + n, work + 2 * n, work + 3 * n, first);
        }
    nlg_free(work);
    nlg_free(first);
    return NLG_OK;
}

/* --- heights --- */

static nlg_status give_heights(nlg_boxes *b, const nlg_box_lanes *s, nlg_error *err) {
    b->layer_top = nlg_alloc((size_t)b->n_layers + 1, sizeof(double));
    b->layer_height = nlg_alloc((size_t)b->n_layers + 1, sizeof(double));
    if (!b->layer_top || !b->layer_height) return nlg_fail_memory(err, 0, "a drawing");
    for (int i = 0; i < b->n_boxes; i++)
        if (b->box[i].h > b->layer_height[b->box[i].layer]) b->layer_height[b->box[i].layer] = b->box[i].h;
    double y = 0;
    for (int l = 0; l < b->n_layers; l++) {
        double widest = 0;
        bool arc = false, next_arc = false;
        for (int k = 0; k < s->n_links; k++)
            if (s->layer[s->links[k].up] == l) widest = fmax(widest, fabs(s->x[s->links[k].up] - s->x[s->links[k].down]));
        for (int i = 0; i < b->n_boxes; i++) {
            arc |= b->box[i].shortcut && b->box[i].layer == l;
            next_arc |= b->box[i].shortcut && b->box[i].layer == l + 1;
        }
        if (l == 0 && arc) y += 14;
        b->layer_top[l] = y;
        b->height = y + b->layer_height[l] + (arc ? 12 : 0);
        y += b->layer_height[l];
        if (b->are_bars)
            y += BAR_GAP;
        else if (b->are_close)
            y += CLOSE_GAP_Y + fmin(16, 0.05 * widest) + (arc || next_arc ? 12 : 0);
        else
            y += GAP_Y + fmin(26, 0.13 * widest) + (arc ? 6 : 0) + (next_arc ? 8 : 0);
    }
    for (int i = 0; i < b->n_boxes; i++) {
        const int l = b->box[i].layer;
        b->box[i].y = b->layer_top[l] + 0.5 * (b->layer_height[l] - b->box[i].h);
    }
    return NLG_OK;
}

static void give_widths(nlg_boxes *b, nlg_box_lanes *s) {
    double left = 0, right = 0;
    for (int c = 0; c < s->n_cells; c++) {
        if (c == 0 || s->x[c] - 0.5 * s->w[c] < left) left = s->x[c] - 0.5 * s->w[c];
        if (c == 0 || s->x[c] + 0.5 * s->w[c] > right) right = s->x[c] + 0.5 * s->w[c];
    }
    for (int c = 0; c < s->n_cells; c++) s->x[c] -= left;
    for (int i = 0; i < b->n_boxes; i++) b->box[i].x = s->x[i];
    b->width = right - left;
}

nlg_status nlg_boxes_place(nlg_boxes *b, nlg_error *err) {
    for (int i = 0; i < b->n_boxes; i++) nlg_box_measure(b, &b->box[i]);
    bool *placed = nlg_alloc((size_t)b->n_boxes + 1, sizeof *placed);
    nlg_box_lanes *s = b->lanes = nlg_alloc(1, sizeof *s);
    if (placed) give_layers(b, placed);
    nlg_free(placed);
    if (!placed || !s) return nlg_fail_memory(err, sizeof *s, "a drawing");
    NLG_TRY(make_cells(b, s, err));
    begin_order(s);
    if (b->in_columns)
        order_by_columns(b, s);
    else
        find_order(s);
    NLG_TRY(find_places(b, s, err));
    give_widths(b, s);
    return give_heights(b, s, err);
}

/* --- ports --- */

double nlg_box_port_x(const nlg_boxes *b, const nlg_arrow *arrow) {
    const nlg_box *to = &b->box[arrow->to];
    const double x = b->lanes->x[cell_towards(b, b->lanes, arrow)];
    int n = 0, before = 0;
    for (int a = 0; a < b->n_arrows; a++) {
        const nlg_arrow *other = &b->arrow[a];
        if (other->to != arrow->to || b->box[other->from].layer >= to->layer) continue;
        const double other_x = b->lanes->x[cell_towards(b, b->lanes, other)];
        n++;
        before += other_x < x || (other_x == x && other < arrow);
    }
    if (n < 2 || to->is_sign) return to->x;
    const double step = fmin(30, (to->w - 14) / n);
    return to->x + step * (before - 0.5 * (n - 1));
}
