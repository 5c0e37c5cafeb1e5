/* search/parallel/at_once: how many trainings run side by side. */
#include "search/parallel/at_once.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void as_many_as_threads_wait_and_fit(void **state) {
    const size_t mega = (size_t)1 << 20, room = 1000 * mega;
    (void)state;
    assert_int_equal(nlg_at_once(2, 10, 100 * mega, room), 2);
    assert_int_equal(nlg_at_once(2, 1, 100 * mega, room), 1);
    assert_int_equal(nlg_at_once(1, 10, 100 * mega, room), 1);
    assert_int_equal(nlg_at_once(8, 10, 100 * mega, room), 5);
    assert_int_equal(nlg_at_once(2, 10, 251 * mega, room), 1);
    assert_int_equal(nlg_at_once(2, 10, 2 * room, room), 1);
    assert_int_equal(nlg_at_once(4, 3, 0, room), 3);
    assert_int_equal(nlg_at_once(0, 0, 0, 0), 1);
    assert_int_equal(nlg_at_once(2, 2, SIZE_MAX, 0), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_threads_wait_and_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
