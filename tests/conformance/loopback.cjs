// SPDX-License-Identifier: Apache-2.0
// The suite's origin listens on every interface; preloaded, this keeps it on
// loopback.
const net = require('net')
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, { port: Number(port), host: '127.0.0.1' },
    ...rest.filter(argument => typeof argument === 'function'))
}
