// A wire between a browser and the server that can be cut and mended: plain TCP, both ways.
import { connect, createServer } from 'node:net';

export class Wire {
  /** A wire to a local port; `url` is its near end. */
  static async to(port) {
    const wire = new Wire(port);
    await new Promise((resolve) => wire.server.listen(0, '127.0.0.1', resolve));
    wire.url = `http://127.0.0.1:${wire.server.address().port}`;
    return wire;
  }

  constructor(port) {
    this.ends = new Set();
    this.broken = false;
    this.server = createServer((near) => this.join(near, port));
  }

  join(near, port) {
    if (this.broken) {
      near.destroy();
      return;
    }
    const far = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      this.ends.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.ends.delete(one);
        other.destroy();
      });
    }
  }

  /** Everything that is open breaks, and nothing new gets through. */
  cut() {
    this.broken = true;
    for (const end of this.ends) end.resetAndDestroy();
  }

  mend() {
    this.broken = false;
  }

  close() {
    this.cut();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
