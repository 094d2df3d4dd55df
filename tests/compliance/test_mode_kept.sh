#!/bin/sh
# The mode survives writing, sealing, copying and a second name with the same content.
. "$(dirname "$0")/common.sh"
tree() { printf '#!/bin/sh\nexit 4\n' >x; chmod 755 x; cp x y; chmod 644 y; }
body() {
    same x "$(mode x)" 755
    same y "$(mode y)" 644
    if ./x; then fail 'it returns 0'; else same code "$?" 4; fi
    refused 'ermission denied' env ./y
    echo '# more' >>x
    same x "$(mode x)" 755
    [ -x x ]
    cp y z
    chmod +x z
    if ./z; then fail 'it returns 0'; else same code "$?" 4; fi
    refused 'ermission denied' env ./y
    (umask 077; echo s >secret)
    same secret "$(mode secret)" 600
    cp x w
    same w "$(mode w)" 755
}
after() { native || same x "$("$VRIFT_BIN" stat w:x | grep -c 755)" 1; }
play "$@"
