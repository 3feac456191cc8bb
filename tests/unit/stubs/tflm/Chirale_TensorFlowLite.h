/* Nothing that rendered code calls: Arduino's builder finds the library by this name. */
#pragma once
