/* idle.c - the user's side in a test of the application as it is: it ends with the line. */
#include <stdlib.h>
#include <unistd.h>

#include "tg_app.h"

void tg_port_start(void);
void tg_port_start(void) {}

int tg_link_take(int byte) { /* a receiver of frames that takes what begins with '!' */
    static int frame;
    const int taken = frame || byte == '!';
    frame = taken && byte != '\n';
    if (byte == 4) { /* end of transmission */
        exit(0);
    }
    return taken;
}
