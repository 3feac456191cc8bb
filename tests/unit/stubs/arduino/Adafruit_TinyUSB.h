/* Nothing that rendered sketches call: with Adafruit's nRF52 core the header brings Serial's library into the build. */
#pragma once
