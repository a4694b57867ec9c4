import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** What a link does to each packet. */
export interface LinkQuality {
  /** Milliseconds that a packet takes, one way. */
  readonly delay: number;
  /** The part of the packets that gets lost, from 0 to 1. */
  readonly loss: number;
  /** Bytes a second, each way. */
  readonly rate: number;
}

/** Why a link cannot be made on this machine; undefined where it can. */
export function noLink(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces are for root';
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
  if (spawnSync('socat', ['-V']).status !== 0) return 'socat is not installed';
  const name = `wp${process.pid}p`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return 'network namespaces are not permitted';
  spawnSync('ip', ['netns', 'del', name]);
  return undefined;
}

/**
 * A slow link that loses packets, between this network namespace and one of its own. Every packet of IP goes through this process:
 *
 *     here ── tun ── socat ──UDP── relay ──UDP over a veth pair── socat ── tun ── there
 *
 * (`tc netem` would do it in the kernel, where the kernel has it.)
 */
export class LossyLink {
  readonly namespace: string = `wp${process.pid}`;
  /** The address of the other end, as seen from here. */
  readonly there: string;
  /** Packets that came to the relay, and that it lost. */
  packets = 0;
  lost = 0;
  readonly #quality: LinkQuality;
  /** The networks of the veth pair and of the link, without their last number. */
  readonly #below: string;
  readonly #above: string;
  #isClosed = false;
  readonly #sockets: dgram.Socket[] = [];
  readonly #children: ChildProcess[] = [];

  constructor(quality: LinkQuality) {
    this.#quality = quality;
    // Networks of this process alone: others may have links at the same time.
    const [a, b] = [128 + ((process.pid >> 7) & 127), process.pid & 127];
    this.#below = `10.${a}.${b}`;
    this.#above = `10.${a}.${128 + b}`;
    this.there = `${this.#above}.2`;
  }

  async open(): Promise<void> {
    const { namespace } = this;
    const [near, far] = [`${namespace}a`, `${namespace}b`];
    const ip = (...args: string[]): unknown => execFileSync('ip', args);
    ip('netns', 'add', namespace);
    ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', namespace);
    ip('addr', 'add', `${this.#below}.1/30`, 'dev', near);
    ip('link', 'set', near, 'up');
    ip('-n', namespace, 'addr', 'add', `${this.#below}.2/30`, 'dev', far);
    for (const device of [far, 'lo']) ip('-n', namespace, 'link', 'set', device, 'up');
    const [here, there] = [await this.#bind('127.0.0.1'), await this.#bind(`${this.#below}.1`)];
    this.#relay(here, there);
    this.#relay(there, here);
    const tun = (name: string, address: string): string => `TUN:${address}/24,tun-name=${name},iff-no-pi,up`;
    this.#run('socat', tun(`${namespace}h`, `${this.#above}.1`), `UDP:127.0.0.1:${here.address().port}`);
    const inside = ['ip', 'netns', 'exec', namespace, 'socat'];
    this.#run(...inside, tun(`${namespace}t`, this.there), `UDP:${this.#below}.1:${there.address().port}`);
    const isUp = (name: string, ...where: string[]): boolean =>
      spawnSync('ip', [...where, '-o', 'addr', 'show', 'dev', name, 'up'], {
        encoding: 'utf8',
      }).stdout.includes(this.#above);
    for (let i = 0; i < 400; i++) {
      if (isUp(`${namespace}h`) && isUp(`${namespace}t`, '-n', namespace)) break;
      await pause(50);
    }
    await pause(500);
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.close();
    spawnSync('ip', ['netns', 'del', this.namespace]);
    spawnSync('ip', ['link', 'del', `${this.namespace}a`]);
  }

  async #bind(address: string): Promise<dgram.Socket> {
    const socket = dgram.createSocket('udp4');
    this.#sockets.push(socket);
    socket.bind(0, address);
    await once(socket, 'listening');
    return socket;
  }

  #run(file = '', ...args: string[]): void {
    this.#children.push(spawn(file, args, { stdio: 'ignore' }));
  }

  /** Pass what one side sends to the other, once that has sent anything: late, at the rate of the link, and not all of it. */
  #relay(from: dgram.Socket, to: dgram.Socket): void {
    const { delay, loss, rate } = this.#quality;
    let freeAt = 0;
    from.on('message', (packet, { address, port }) => {
      (from as { peer?: [number, string] }).peer = [port, address];
      this.packets++;
      const { peer } = to as { peer?: [number, string] };
      const now = performance.now();
      // A queue of a second: what does not fit is lost, as at any router.
      if (peer === undefined || Math.random() < loss || freeAt - now > 1_000) {
        this.lost++;
        return;
      }
      freeAt = Math.max(now, freeAt) + (packet.length / rate) * 1_000;
      setTimeout(
        () => {
          if (!this.#isClosed) to.send(packet, ...peer);
        },
        freeAt - now + delay,
      );
    });
  }
}
