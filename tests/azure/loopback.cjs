// Loaded before the server: it listens on the socket that it was given, whatever address it asks for, and leaves
// when whoever started it does.
const net = require("node:net");

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (_port, ...rest) {
  return listen.call(this, { fd: Number(process.env.BIDE_LISTENING) }, ...rest);
};
process.stdin.on("end", () => process.exit()).resume();
