#pragma once
#include <stdint.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/sha.h>

// The low-level calls skip the provider look-up that EVP pays on every call; they are deprecated in name only.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
static inline void tollgate_sha256_start(SHA256_CTX *context) { SHA256_Init(context); }
static inline void tollgate_sha256_update(SHA256_CTX *context, const void *bytes, size_t count) {
    SHA256_Update(context, bytes, count);
}
static inline void tollgate_sha256_finish(SHA256_CTX *context, void *digest) {
    SHA256_Final((unsigned char *)digest, context);
}
static inline void tollgate_sha256(const void *bytes, size_t count, void *digest) {
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, bytes, count);
    SHA256_Final((unsigned char *)digest, &context);
}
#pragma clang diagnostic pop

// The parameters hold pointers to their names, which must outlive the call that makes them: literals do.
static inline int tollgate_hmac_sha256_start(EVP_MAC_CTX *context, const unsigned char *key, size_t count) {
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_init(context, key, count, parameters);
}
