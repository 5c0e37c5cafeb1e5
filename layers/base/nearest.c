/* Edit distance (insert, delete, replace, swap of neighbours) on short names. */
#include "layers/base/nearest.h"

#include <stddef.h>
#include <string.h>

enum { LONGEST = 64 };

static int smallest(int a, int b) {
    return a < b ? a : b;
}

static int edit_distance(const char *a, const char *b) {
    int n = (int)strnlen(a, LONGEST), m = (int)strnlen(b, LONGEST);
    int rows[3][LONGEST + 1];
    int *before = rows[0], *last = rows[1], *now = rows[2];
    for (int j = 0; j <= m; j++) last[j] = j;
    for (int i = 1; i <= n; i++) {
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            int change = a[i - 1] != b[j - 1];
            now[j] = smallest(smallest(last[j], now[j - 1]) + 1, last[j - 1] + change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = smallest(now[j], before[j - 2] + 1);
        }
        int *spare = before;
        before = last, last = now, now = spare;
    }
    return last[m];
}

void nlg_nearest_try(nlg_nearest *nearest, const char *candidate) {
    int distance = edit_distance(nearest->wanted, candidate);
    if (nearest->best && distance >= nearest->distance) return;
    nearest->best = candidate;
    nearest->distance = distance;
}

const char *nlg_nearest_name(const nlg_nearest *nearest) {
    if (!nearest->best) return NULL;
    int letters = (int)strlen(nearest->wanted);
    return nearest->distance <= 1 + letters / 3 && nearest->distance < letters ? nearest->best : NULL;
}
