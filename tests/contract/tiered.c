/* SPDX-License-Identifier: Apache-2.0 */
#include "contract.h"

int main(void)
{
    return contract_run("tiered:?l1=memory:%3Fsize%3D16M"
                        "&l2=memory:%3Fsize%3D16M",
                        0);
}
