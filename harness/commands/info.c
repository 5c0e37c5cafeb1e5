/* lineage info: what this binary is and what it runs on. */
#include <openssl/crypto.h>
#include <png.h>
#include <sqlite3.h>
#include <stdio.h>
#include <zlib.h>
/* jpeglib.h needs stdio.h before it */
#include <jpeglib.h>

#include "datasets/dataset.h"
#include "harness/build_info.h"
#include "harness/command.h"
#include "harness/options.h"
#include "harness/output.h"
#include "layers/kernels/openblas.h"

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

static void add_libraries(cJSON *libraries) {
    nlg_json_text(libraries, "cjson", cJSON_Version());
    nlg_json_text(libraries, "sqlite", sqlite3_libversion());
    nlg_json_text(libraries, "zlib", zlibVersion());
    nlg_json_text(libraries, "libpng", png_get_libpng_ver(NULL));
#ifdef LIBJPEG_TURBO_VERSION
    nlg_json_text(libraries, "libjpeg-turbo", TEXT(LIBJPEG_TURBO_VERSION));
#else
    nlg_json_text(libraries, "libjpeg", TEXT(JPEG_LIB_VERSION));
#endif
    nlg_json_text(libraries, "libcrypto", OpenSSL_version(OPENSSL_VERSION));
    nlg_error absent = {0};
    nlg_json_text(libraries, "openblas", nlg_openblas_load(&absent) == NLG_OK ? nlg_openblas_loaded()->get_config() : absent.text);
}

static cJSON *describe(const nlg_settings *settings) {
    nlg_cpu_info cpu;
    nlg_cpu_query(&cpu);
    cJSON *info = cJSON_CreateObject();
    nlg_json_text(info, "version", NLG_VERSION);
    nlg_json_text(info, "commit", nlg_build_commit());
    nlg_json_text(info, "compiler", nlg_build_compiler());
    nlg_json_text(info, "flags", nlg_build_flags());
    nlg_json_number(info, "numerics_version", NLG_NUMERICS_VERSION);
    nlg_json_text(info, "cpu", cpu.model);
    nlg_json_number(info, "cores", cpu.cores);
    cJSON *caches = cJSON_AddObjectToObject(info, "caches");
    nlg_json_number(caches, "l1d_bytes", (double)cpu.l1d_bytes);
    nlg_json_number(caches, "l2_bytes", (double)cpu.l2_bytes);
    nlg_json_number(caches, "l3_bytes", (double)cpu.l3_bytes);
    cJSON *isas = cJSON_AddArrayToObject(info, "isas");
    for (int i = 0; i < NLG_ISA_COUNT; i++)
        if (nlg_isa_available((nlg_isa)i)) cJSON_AddItemToArray(isas, cJSON_CreateString(nlg_isa_name((nlg_isa)i)));
    nlg_json_text(info, "isa", nlg_isa_name(settings->isa));
    nlg_json_number(info, "threads", settings->threads);
    cJSON *backends = cJSON_AddArrayToObject(info, "backends");
    cJSON_AddItemToArray(backends, cJSON_CreateString(nlg_backend_name(NLG_BACKEND_OWN)));
    cJSON_AddItemToArray(backends, cJSON_CreateString(nlg_backend_name(NLG_BACKEND_OPENBLAS)));
    add_libraries(cJSON_AddObjectToObject(info, "libraries"));
    cJSON *data = cJSON_AddArrayToObject(info, "data");
    for (int i = 0; i < nlg_dataset_format_count(); i++) {
        const nlg_dataset_format *format = nlg_dataset_format_at(i);
        cJSON *row = nlg_json_object_in(data);
        nlg_json_text(row, "name", nlg_dataset_format_name(format));
        nlg_json_text(row, "summary", nlg_dataset_format_summary(format));
        char folder[4096];
        nlg_json_text(row, "folder", nlg_dataset_format_folder(format, folder, sizeof folder) ? folder : NULL);
    }
    return info;
}

static void print_data(const cJSON *data) {
    const cJSON *folder = cJSON_GetObjectItem(data, "folder");
    printf("\n  %-14s %s%s", cJSON_GetStringValue(cJSON_GetObjectItem(data, "name")), cJSON_IsString(folder) ? "in " : "not here",
           cJSON_IsString(folder) ? folder->valuestring : "");
}

static void print_part(const cJSON *part) {
    if (part->string) printf(" %s", part->string);
    if (cJSON_IsNumber(part)) printf(" %.0f", part->valuedouble);
    if (cJSON_IsString(part)) printf(" %s", part->valuestring);
    if (part->next) putchar(',');
}

/* The same facts as lines "name: value"; objects and arrays on one line. */
static void print_lines(const cJSON *info) {
    for (const cJSON *fact = info->child; fact; fact = fact->next) {
        printf("%s:", fact->string);
        for (const cJSON *part = fact->child; part; part = part->next) {
            if (cJSON_IsObject(part))
                print_data(part);
            else
                print_part(part);
        }
        if (cJSON_IsNumber(fact)) printf(" %.0f", fact->valuedouble);
        if (cJSON_IsString(fact)) printf(" %s", fact->valuestring);
        putchar('\n');
    }
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    cJSON *info = describe(&call->settings);
    if (call->settings.json) return nlg_json_print(info, err);
    if (info) print_lines(info);
    cJSON_Delete(info);
    return NLG_OK;
}

const nlg_command nlg_command_info = {
    .name = "info",
    .summary = "Show version, compiler, CPU, instruction sets, libraries and data sets",
    .arguments = "",
    .help = "Example:\n  lineage info --json",
    .shared = NLG_TAKES_JSON,
    .run = run,
};
