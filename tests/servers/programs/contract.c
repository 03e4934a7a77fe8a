/* SPDX-License-Identifier: Apache-2.0 */
/* The contract on the store that FCACHE_URL names; see servers/run.py. */
#include "contract.h"

#include <stdlib.h>

int main(void)
{
    const char *url = getenv("FCACHE_URL");
    if (!url) {
        fprintf(stderr, "FCACHE_URL is not set: start me by run.py KIND\n");
        return 2;
    }
    return contract_run(url, 0);
}
