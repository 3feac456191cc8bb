/* Declarations only, of what rendered sketches call. */
#pragma once
#include <stddef.h>
#include <stdint.h>

unsigned long millis(void);
unsigned long micros(void);

class HardwareSerial {
  public:
    void begin(unsigned long baud);
    int available(void);
    int read(void);
    size_t write(const uint8_t *buffer, size_t size);
    explicit operator bool();
};
extern HardwareSerial Serial;

void setup(void);
void loop(void);
