/* SPDX-License-Identifier: Apache-2.0 */
/* contract.servers [lists-nothing]: the contract on the store that FCACHE_URL
 * names; see servers/run.py. */
#include "contract.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    const char *url = getenv("FCACHE_URL");
    contract_lists_nothing = argc > 1 && !strcmp(argv[1], "lists-nothing");
    if (!url) {
        fprintf(stderr, "FCACHE_URL is not set: start me by run.py KIND\n");
        return 2;
    }
    return contract_run(url, 0);
}
