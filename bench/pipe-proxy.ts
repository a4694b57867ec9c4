/**
 * `tsx bench/pipe-proxy.ts PORT`: forwards connections to that port with `pipe`, in both directions; without a port it
 * echoes.
 */
import net from 'node:net';

const to = Number(process.argv[2] ?? 0);
const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
  near.on('error', () => {});
  if (to === 0) {
    near.pipe(near);
    return;
  }
  const far = net.connect({ port: to, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  far.on('error', () => {});
  near.pipe(far);
  far.pipe(near);
});
server.listen(0, '127.0.0.1', () => console.log(`listening ${(server.address() as net.AddressInfo).port}`));
