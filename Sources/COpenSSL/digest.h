#pragma once
#include <stdint.h>
#include <string.h>
#include <openssl/crypto.h>
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

// HMAC (RFC 2104): both hashes, each begun with its half of the key.
typedef struct {
    SHA256_CTX inner, outer;
} tollgate_hmac_sha256;

static inline void tollgate_hmac_sha256_start(tollgate_hmac_sha256 *hmac, const void *key, size_t count) {
    unsigned char block[SHA256_CBLOCK] = {0};
    if (count > sizeof block) {
        tollgate_sha256(key, count, block);
    } else if (count > 0) {
        memcpy(block, key, count);
    }
    for (size_t index = 0; index < sizeof block; index++) block[index] ^= 0x36;
    SHA256_Init(&hmac->inner);
    SHA256_Update(&hmac->inner, block, sizeof block);
    for (size_t index = 0; index < sizeof block; index++) block[index] ^= 0x36 ^ 0x5C;
    SHA256_Init(&hmac->outer);
    SHA256_Update(&hmac->outer, block, sizeof block);
    OPENSSL_cleanse(block, sizeof block);
}
static inline void tollgate_hmac_sha256_update(tollgate_hmac_sha256 *hmac, const void *bytes, size_t count) {
    SHA256_Update(&hmac->inner, bytes, count);
}
static inline void tollgate_hmac_sha256_finish(tollgate_hmac_sha256 *hmac, void *code) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256_Final(digest, &hmac->inner);
    SHA256_Update(&hmac->outer, digest, sizeof digest);
    SHA256_Final((unsigned char *)code, &hmac->outer);
    OPENSSL_cleanse(hmac, sizeof *hmac);
}
#pragma clang diagnostic pop
