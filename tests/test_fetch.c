/* Downloading by curl, from a file address, and verifying. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "datasets/fetch.h"
#include "layers/base/digest.h"
#include "layers/base/file.h"
#include "tests/made_files.h"

static void listen(void *context, const char *line) {
    char *heard = context;
    assert_null(strchr(line, '\n'));
    snprintf(heard + strlen(heard), 2000 - strlen(heard), "%s\n", line);
}

static void downloads_are_checked_and_continued(void **state) {
    (void)state;
    if (system("curl --version > /dev/null 2>&1") != 0) skip();
    char *folder = made_folder(), address[1100], heard[2000] = "", digest[65];
    static uint8_t bytes[5000];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = made_pixel(7, i);
    made_file(folder, "server/data.bin", bytes, sizeof bytes);
    snprintf(address, sizeof address, "file://%s", made_path(folder, "server/data.bin"));
    assert_int_equal(nlg_digest_file(made_path(folder, "server/data.bin"), digest, NULL), NLG_OK);
    nlg_dataset_file file = {"data.bin", address, sizeof bytes, digest, NULL};
    const char *into = made_path(folder, "a/b");
    char target[1024];
    snprintf(target, sizeof target, "%s", into);
    nlg_error err = {0};
    if (nlg_fetch_file(&file, target, listen, heard, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_non_null(strstr(heard, "data.bin: complete, SHA-256 as published"));
    assert_true(nlg_file_exists(made_path(target, "data.bin")));
    assert_false(nlg_file_exists(made_path(target, "data.bin.part")));
    heard[0] = '\0';
    assert_int_equal(nlg_fetch_file(&file, target, listen, heard, NULL), NLG_OK);
    assert_string_equal(heard, "data.bin: complete\n"); /* not again */

    unlink(made_path(target, "data.bin")); /* continued from a part */
    made_file(target, "data.bin.part", bytes, 1234);
    heard[0] = '\0';
    if (nlg_fetch_file(&file, target, listen, heard, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_non_null(strstr(heard, "continued"));

    unlink(made_path(target, "data.bin")); /* a wrong part is noticed, and the next call starts afresh */
    bytes[0] ^= 1;
    made_file(target, "data.bin.part", bytes, 1234);
    assert_int_equal(nlg_fetch_file(&file, target, NULL, NULL, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "expected 5000 bytes with SHA-256"));
    assert_false(nlg_file_exists(made_path(target, "data.bin")));
    assert_int_equal(nlg_fetch_file(&file, target, NULL, NULL, NULL), NLG_OK);

    made_file(target, "data.bin", bytes, sizeof bytes); /* another file under this name is left alone */
    err = (nlg_error){0};
    assert_int_equal(nlg_fetch_file(&file, target, NULL, NULL, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "remove the file and fetch again"));
    unlink(made_path(target, "data.bin"));

    file.address = "http://127.0.0.1:1/data.bin"; /* nobody listens there */
    err = (nlg_error){0};
    setenv("no_proxy", "127.0.0.1", 1);
    assert_int_equal(nlg_fetch_file(&file, target, NULL, NULL, &err), NLG_ERR_IO);
    assert_non_null(strstr(err.text, "there seems to be no network"));
    char *path = strdup(getenv("PATH"));
    setenv("PATH", "/nonexistent", 1);
    err = (nlg_error){0};
    assert_int_equal(nlg_fetch_file(&file, target, NULL, NULL, &err), NLG_ERR_IO);
    assert_non_null(strstr(err.text, "the program curl is missing"));
    setenv("PATH", path, 1);
    free(path);
    assert_int_equal(nlg_dataset_fetch("imagefolder", target, NULL, NULL, &(nlg_error){0}), NLG_ERR_INPUT);
    assert_int_equal(nlg_dataset_fetch("nonsense", target, NULL, NULL, &(nlg_error){0}), NLG_ERR_INPUT);
    made_folder_remove(folder);
}

static void verify_finds_what_is_wrong(void **state) {
    (void)state;
    char *folder = made_folder();
    made_idx_set(folder, 20, 6, 5, 4, true);
    nlg_error err = {0};
    assert_int_equal(nlg_dataset_verify("mnist", folder, NULL, NULL, &err), NLG_ERR_CHECK);
    assert_non_null(strstr(err.text, "train-images-idx3-ubyte.gz: expected contents with SHA-256 ba891046"));
    err = (nlg_error){0};
    made_file(folder, "cifar-10-binary.tar.gz", "x", 1);
    assert_int_equal(nlg_dataset_verify("cifar10", folder, NULL, NULL, &err), NLG_ERR_CHECK);
    made_folder_remove(folder);

    folder = strdup("/usr/share/datasets/fashion-mnist"); /* repacked by Debian */
    char heard[2000] = "";
    if (nlg_file_exists(folder)) {
        assert_int_equal(nlg_dataset_verify("fashion-mnist", folder, listen, heard, NULL), NLG_OK);
        assert_non_null(strstr(heard, "t10k-labels-idx1-ubyte.gz: "));
    }
    free(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(downloads_are_checked_and_continued),
        cmocka_unit_test(verify_finds_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
