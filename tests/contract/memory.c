/* SPDX-License-Identifier: Apache-2.0 */
#include "contract.h"

int main(void)
{
    return contract_run("memory:?size=16M", 1);
}
