// SPDX-License-Identifier: Apache-2.0
// Prints what the suite has: id, kind and dependencies of each test.
import { pathToFileURL } from 'url'
const suites = (await import(pathToFileURL(process.argv[2]))).default
const tests = suites.flatMap(suite => suite.tests)
console.log(JSON.stringify(tests.map(test => ({
  id: test.id,
  name: test.name,
  kind: test.kind || 'required',
  browser: test.browser_only === true,
  needs: test.depends_on || []
}))))
