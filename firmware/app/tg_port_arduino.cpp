/* tg_port_arduino.cpp - the application's serial line and clock by Arduino. */
#include <Arduino.h>

#include "tg_app.h"

int tg_port_read(void) { return Serial.available() > 0 ? Serial.read() : -1; }

void tg_port_write(const char *text, uint32_t bytes) { Serial.write(reinterpret_cast<const uint8_t *>(text), bytes); }

uint32_t tg_port_micros(void) { return static_cast<uint32_t>(micros()); }
