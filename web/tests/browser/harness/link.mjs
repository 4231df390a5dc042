// A bad link between one page and the media nodes: UDP through a proxy of ours that drops what it is told to.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const HOST = '127.0.0.1';

export class Link {
  /** Share of the datagrams that are lost, each way. */
  loss = 0;
  /** One for each port of a node, and one for each client behind those. */
  sockets = new Set();
  doors = new Map();

  /** From its next load on, everything a page sends to media nodes and gets from them goes this way. */
  async carry(page) {
    await page.exposeFunction('doorTo', (port) => this.doorTo(port));
    await page.addInitScript(throughDoors);
  }

  close() {
    for (const socket of this.sockets) socket.close();
    this.sockets.clear();
  }

  /** Our port that stands for one of a node. */
  doorTo(port) {
    if (!this.doors.has(port)) this.doors.set(port, this.open(port));
    return this.doors.get(port);
  }

  async open(nodePort) {
    const door = await this.bind();
    const clients = new Map();
    door.on('message', async (datagram, { port }) => {
      if (!clients.has(port)) {
        const back = (answer) => this.pass(() => door.send(answer, port, HOST));
        clients.set(port, this.bind(back));
      }
      const client = await clients.get(port);
      this.pass(() => client.send(datagram, nodePort, HOST));
    });
    return door.address().port;
  }

  async bind(receive = () => {}) {
    const socket = createSocket('udp4', receive);
    this.sockets.add(socket);
    socket.bind(0, HOST);
    await once(socket, 'listening');
    return socket;
  }

  pass(send) {
    // What is on its way when the link is closed is lost.
    if (Math.random() >= this.loss && this.sockets.size > 0) send();
  }
}

/** For an init script: the candidates of nodes lead through our doors, and there is no way around over TCP. */
function throughDoors() {
  const original = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = async function (description) {
    const lines = [];
    for (const line of description.sdp.split('\r\n')) {
      const candidate = /^(a=candidate:\S+ \d+ )(udp|tcp)( \d+ \S+ )(\d+)(.*)$/i.exec(line);
      if (!candidate) lines.push(line);
      else if (candidate[2].toLowerCase() === 'udp') {
        const [, before, protocol, address, port, after] = candidate;
        lines.push(`${before}${protocol}${address}${await window.doorTo(Number(port))}${after}`);
      }
    }
    return original.call(this, { type: description.type, sdp: lines.join('\r\n') });
  };
}
