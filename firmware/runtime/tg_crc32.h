/* tg_crc32.h - zlib's CRC-32 with a table of 16 words: two steps a byte. */
#ifndef TG_CRC32_H
#define TG_CRC32_H

#include "tg.h"

/* The reflected polynomial 0xEDB88320, starting from all ones, inverted at the end. Volatile: the bytes are read from
 * memory, even where a compiler knows what they should be. */
static inline uint32_t tg_crc32(const void *data, uint32_t bytes) {
    static const uint32_t steps[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
        0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
    };
    const volatile uint8_t *at = (const volatile uint8_t *)data;
    uint32_t crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < bytes; i++) {
        crc ^= at[i];
        crc = (crc >> 4) ^ steps[crc & 15u];
        crc = (crc >> 4) ^ steps[crc & 15u];
    }
    return ~crc;
}

#endif
