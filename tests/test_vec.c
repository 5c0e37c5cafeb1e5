/* layers/kernels/vec.h in the form that needs no flags of the compiler (NEON on 64-bit Arm, else the portable one): the fused
 * multiply-add, which the portable form makes of doubles, against fmaf, and the rules of the other operations. That the other
 * instruction sets give the same bits, the tests of the kernels show. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "layers/base/rng.h"

#if defined(__aarch64__)
#define NLG_ISA       neon
#define NLG_ISA_LEVEL 1
#else
#define NLG_ISA       portable
#define NLG_ISA_LEVEL 0
#endif
#include "layers/kernels/transpose.h"
#include "layers/kernels/vec.h"

enum { ROUNDS = 400000 };

static nlg_rng rng;
static uint64_t drawn;

static uint32_t draw(uint32_t n) {
    return (uint32_t)nlg_rng_below(rng, drawn++, n);
}

static float from_bits(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint32_t to_bits(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* Any float, one near 1, a subnormal or nearly so, few significant bits, a small one, or a special value. */
static float draw_float(uint32_t kind) {
    static const uint32_t special[] = {0, 0x80000000, 0x7f800000, 0xff800000, 1, 0x7f7fffff, 0x00800000, 0x7fc00000};
    uint32_t bits = (uint32_t)nlg_rng_u64(rng, drawn++);
    switch (kind) {
    case 0:
        return from_bits(bits);
    case 1:
        return from_bits((bits & 0x807fffff) | (120 + draw(16)) << 23);
    case 2:
        return from_bits((bits & 0x807fffff) | draw(4) << 23);
    case 3:
        return from_bits((bits & 0x80000003) | draw(255) << 23);
    case 4:
        return from_bits((bits & 0x807fff00) | (50 + draw(30)) << 23);
    default:
        return from_bits(special[bits % 8]);
    }
}

static void assert_same(float found, float expected) {
    if (isnan(found) && isnan(expected)) return;
    assert_int_equal(to_bits(found), to_bits(expected));
}

static void test_fma(void **state) {
    (void)state;
    rng = nlg_rng_seed(1);
    for (int round = 0; round < ROUNDS; round++) {
        float a[16], b[16], c[16], sum[16], difference[16];
        for (int i = 0; i < 16; i++) {
            uint32_t kind = draw(6);
            a[i] = draw_float(kind);
            b[i] = draw_float(draw(3) ? kind : draw(6));
            c[i] = draw_float(draw(2) ? kind : draw(6));
            if (!draw(4)) c[i] = from_bits(to_bits(-a[i] * b[i]) ^ draw(2)); /* cancellation */
        }
        vf_store(sum, vf_fma(vf_load(a), vf_load(b), vf_load(c)));
        vf_store(difference, vf_fnma(vf_load(a), vf_load(b), vf_load(c)));
        for (int i = 0; i < 16; i++) {
            assert_same(sum[i], fmaf(a[i], b[i], c[i]));
            assert_same(difference[i], fmaf(-a[i], b[i], c[i]));
        }
    }
}

/* A product of almost half the least subnormal: in double, its sum with a subnormal is a tie, which would be rounded to even. */
static void test_fma_below_half(void **state) {
    (void)state;
    rng = nlg_rng_seed(3);
    for (int round = 0; round < 1000; round++) {
        float a[16], b[16], c[16], sum[16];
        for (int i = 0; i < 16; i++) {
            a[i] = from_bits(0x1a000001); /* 2^-75 (1 + 2^-23) */
            b[i] = from_bits(0x19fffffe); /* 2^-75 (1 - 2^-23) */
            c[i] = from_bits(0x400001 + 2 * draw(0x1fffff));
        }
        vf_store(sum, vf_fma(vf_load(a), vf_load(b), vf_load(c)));
        for (int i = 0; i < 16; i++) {
            assert_same(sum[i], c[i]);
            assert_same(sum[i], fmaf(a[i], b[i], c[i]));
        }
    }
}

static void test_rules(void **state) {
    (void)state;
    rng = nlg_rng_seed(2);
    for (int round = 0; round < 20000; round++) {
        float a[16], b[16], least[16], most[16], chosen[16], part[17], whole[16];
        int n = (int)draw(17);
        for (int i = 0; i < 16; i++) {
            a[i] = draw_float(draw(6));
            b[i] = draw(4) ? draw_float(draw(6)) : a[i];
            whole[i] = (float)draw(1000) - 500 + (float)draw(8) / 8;
        }
        vf x = vf_load(a), y = vf_load(b);
        vf_store(least, vf_min(x, y));
        vf_store(most, vf_max(x, y));
        vf_store(chosen, vf_select(vm_and(vf_le(x, y), vm_not(vf_eq(x, y))), x, y));
        for (int i = 0; i < 16; i++) {
            assert_same(least[i], a[i] < b[i] ? a[i] : b[i]);
            assert_same(most[i], a[i] > b[i] ? a[i] : b[i]);
            assert_same(chosen[i], a[i] < b[i] ? a[i] : b[i]);
        }
        for (int i = 0; i < 17; i++) part[i] = 7;
        vf_store_n(part, vf_load_n(a, n), n);
        for (int i = 0; i < 17; i++) assert_same(part[i], i < n ? a[i] : 7);
        vf_store(part, vf_select(vm_first(n), vf_set1(1), vf_zero()));
        for (int i = 0; i < 16; i++) assert_same(part[i], i < n ? 1 : 0);
        vf_store(part, vi_to_vf(vf_to_vi(vf_load(whole))));
        for (int i = 0; i < 16; i++) assert_same(part[i], nearbyintf(whole[i]) + 0.0f);
        int size = draw(2) ? 4 : 8, j = (int)draw((uint32_t)size);
        vf_store(part, vf_spread(a, size, j));
        for (int i = 0; i < 16; i++) assert_same(part[i], a[i / size * size + j]);
        double sums[16], widened[16];
        for (int i = 0; i < 16; i++) sums[i] = 0.1 * i - (double)b[i];
        vd_store(widened, vd_add_vf(vd_load(sums), x));
        for (int i = 0; i < 16; i++) {
            double expected = sums[i] + (double)a[i];
            if (!isnan(expected)) assert_memory_equal(&widened[i], &expected, sizeof expected);
        }
        float eight[8], four[4];
        for (int i = 0; i < 8; i++) eight[i] = whole[i] + whole[i + 8];
        for (int i = 0; i < 4; i++) four[i] = eight[i] + eight[i + 4];
        assert_same(vf_sum(vf_load(whole)), (four[0] + four[2]) + (four[1] + four[3]));
    }
}

static void test_transpose(void **state) {
    (void)state;
    vf v[16];
    for (int i = 0; i < 16; i++) {
        float row[16];
        for (int j = 0; j < 16; j++) row[j] = (float)(16 * i + j);
        v[i] = vf_load(row);
    }
    vf_transpose(v);
    for (int i = 0; i < 16; i++) {
        float row[16];
        vf_store(row, v[i]);
        for (int j = 0; j < 16; j++) assert_same(row[j], (float)(16 * j + i));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fma), cmocka_unit_test(test_fma_below_half),
                                       cmocka_unit_test(test_rules), cmocka_unit_test(test_transpose)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
