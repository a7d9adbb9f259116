/* XXH3, 64 bits, no seed, of at most 128 bytes; as `xxhash.xxh3_64_digest` writes it.
 * Source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md */
#ifndef WINBACK_XXH3_H
#define WINBACK_XXH3_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define XXH3_MAX 128

static const uint8_t SECRET[160] = {
    0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
    0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
    0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
    0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
    0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
    0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
    0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
    0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
    0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
    0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
};

static inline uint64_t load64(const void *at) {
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

static inline uint32_t load32(const void *at) {
    uint32_t word;
    memcpy(&word, at, 4);
    return word;
}

static inline uint64_t rotated(uint64_t x, int by) { return x << by | x >> (64 - by); }

static inline uint64_t folded(uint64_t a, uint64_t b) {
    unsigned __int128 wide = (unsigned __int128)a * b;
    return (uint64_t)wide ^ (uint64_t)(wide >> 64);
}

static inline uint64_t stirred(uint64_t x) {
    x = (x ^ x >> 37) * 0x165667919E3779F9ULL;
    return x ^ x >> 32;
}

static inline uint64_t stirred_more(uint64_t x) {
    x = (x ^ x >> 33) * 0xC2B2AE3D27D4EB4FULL;
    x = (x ^ x >> 29) * 0x165667B19E3779F9ULL;
    return x ^ x >> 32;
}

static inline uint64_t mixed16(const uint8_t *text, const uint8_t *secret) {
    return folded(load64(text) ^ load64(secret), load64(text + 8) ^ load64(secret + 8));
}

/* Of 1 to XXH3_MAX bytes. */
static uint64_t xxh3(const uint8_t *text, size_t size) {
    if (size < 4) {
        uint32_t word = (uint32_t)text[0] << 16 | (uint32_t)text[size / 2] << 24 |
                        (uint32_t)size << 8 | text[size - 1];
        return stirred_more((uint64_t)(load32(SECRET) ^ load32(SECRET + 4)) ^ word);
    }
    if (size <= 8) {
        uint64_t word = ((uint64_t)load32(text) << 32) + load32(text + size - 4);
        uint64_t x = word ^ load64(SECRET + 8) ^ load64(SECRET + 16);
        x = (x ^ rotated(x, 49) ^ rotated(x, 24)) * 0x9FB21C651E98DF25ULL;
        x = (x ^ ((x >> 35) + size)) * 0x9FB21C651E98DF25ULL;
        return x ^ x >> 28;
    }
    if (size <= 16) {
        uint64_t low = load64(text) ^ load64(SECRET + 24) ^ load64(SECRET + 32);
        uint64_t high = load64(text + size - 8) ^ load64(SECRET + 40) ^ load64(SECRET + 48);
        return stirred(size + __builtin_bswap64(low) + high + folded(low, high));
    }
    uint64_t sum = 0x9E3779B185EBCA87ULL * size;
    for (size_t at = (size - 1) / 32 * 16; ; at -= 16) {
        sum += mixed16(text + at, SECRET + 2 * at);
        sum += mixed16(text + size - at - 16, SECRET + 2 * at + 16);
        if (!at) return stirred(sum);
    }
}

#endif
