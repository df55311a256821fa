// The files of `calls`, built into the program as they are: a literal of so many bytes takes Swift minutes to compile.
#include "CExamples.h"

#include <string.h>

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char wholesale_orders[] = {
#embed "calls/wholesale_orders.json"
};
static const unsigned char activation_codes[] = {
#embed "calls/activation_codes.json"
};
static const unsigned char credit_reports[] = {
#embed "calls/credit_reports.json"
};
static const unsigned char licence_keys[] = {
#embed "calls/licence_keys.json"
};
static const unsigned char proxy_ports[] = {
#embed "calls/proxy_ports.json"
};
static const unsigned char operator_admin[] = {
#embed "calls/operator_admin.json"
};
static const unsigned char provider[] = {
#embed "calls/provider.json"
};

#define FILE_OF(name) {#name, name, sizeof(name)}
static const struct {
    const char *surface;
    const unsigned char *bytes;
    size_t count;
} files[] = {
    FILE_OF(wholesale_orders), FILE_OF(activation_codes), FILE_OF(credit_reports), FILE_OF(licence_keys),
    FILE_OF(proxy_ports), FILE_OF(operator_admin), FILE_OF(provider),
};

const unsigned char *tollgate_examples(const char *surface, size_t *count) {
    for (size_t index = 0; index < sizeof(files) / sizeof(files[0]); index++) {
        if (strcmp(files[index].surface, surface) == 0) {
            *count = files[index].count;
            return files[index].bytes;
        }
    }
    return NULL;
}
