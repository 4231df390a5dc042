// Our own camera and microphone: open, close, change, and notice when they are unplugged.
import { Store } from '../store';
import { chooseDevice, type DeviceInfo, deviceTrouble } from './choice';

export type Device = 'camera' | 'microphone';

export interface DevicesState {
  list: DeviceInfo[];
  camera: MediaStreamTrack | null;
  microphone: MediaStreamTrack | null;
  cameraTrouble: string | null;
  microphoneTrouble: string | null;
  /** Chosen device ids; null means the system's default. */
  cameraId: string | null;
  microphoneId: string | null;
  speakerId: string | null;
}

const KINDS = { camera: 'videoinput', microphone: 'audioinput' } as const;
const MEMORY = 'plenum.devices';

type Remembered = Pick<DevicesState, 'cameraId' | 'microphoneId' | 'speakerId'>;

function remembered(): Remembered {
  const nothing: Remembered = { cameraId: null, microphoneId: null, speakerId: null };
  try {
    return { ...nothing, ...(JSON.parse(localStorage.getItem(MEMORY) ?? '{}') as Partial<Remembered>) };
  } catch {
    return nothing;
  }
}

export class LocalDevices {
  readonly store: Store<DevicesState, Partial<DevicesState>>;
  /** Opening and closing one device is done in order, whatever the person clicks meanwhile. */
  private readonly turns: Record<Device, Promise<unknown>> = {
    camera: Promise.resolve(),
    microphone: Promise.resolve(),
  };

  constructor() {
    this.store = new Store<DevicesState, Partial<DevicesState>>(
      (state, change) => ({ ...state, ...change }),
      {
        list: [],
        camera: null,
        microphone: null,
        cameraTrouble: null,
        microphoneTrouble: null,
        ...remembered(),
      },
    );
  }

  /** Notices devices that come and go until the returned function is called; that one closes them all. */
  attach(): () => void {
    navigator.mediaDevices?.addEventListener('devicechange', this.refresh);
    return () => {
      navigator.mediaDevices?.removeEventListener('devicechange', this.refresh);
      void this.close('camera');
      void this.close('microphone');
    };
  }

  refresh = async (): Promise<void> => {
    const list = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    this.store.dispatch({ list: list.map(({ deviceId, kind, label }) => ({ deviceId, kind, label })) });
  };

  /** Opens a device (again, when it is open already) and resolves with its track, or null when it cannot be had. */
  open(device: Device): Promise<MediaStreamTrack | null> {
    return this.inTurn(device, async () => {
      this.stop(device);
      try {
        const track = await this.capture(device);
        track.addEventListener('ended', () => this.unplugged(device, track));
        this.store.dispatch(
          device === 'camera'
            ? { camera: track, cameraTrouble: null }
            : { microphone: track, microphoneTrouble: null },
        );
        await this.refresh();
        return track;
      } catch (error) {
        const trouble = deviceTrouble(error, device);
        this.store.dispatch(
          device === 'camera' ? { cameraTrouble: trouble } : { microphoneTrouble: trouble },
        );
        return null;
      }
    });
  }

  /** The open track once everything asked for so far is done; null when there is none. */
  settled(device: Device): Promise<MediaStreamTrack | null> {
    return this.inTurn(device, async () => this.store.get()[device]);
  }

  close(device: Device): Promise<void> {
    return this.inTurn(device, async () => this.stop(device));
  }

  /** Remembers a choice; an open device is opened again with it. */
  async choose(kind: Device | 'speaker', deviceId: string): Promise<MediaStreamTrack | null> {
    this.store.dispatch(
      kind === 'camera'
        ? { cameraId: deviceId }
        : kind === 'microphone'
          ? { microphoneId: deviceId }
          : { speakerId: deviceId },
    );
    const { cameraId, microphoneId, speakerId } = this.store.get();
    localStorage.setItem(MEMORY, JSON.stringify({ cameraId, microphoneId, speakerId }));
    return kind !== 'speaker' && this.store.get()[kind] ? this.open(kind) : null;
  }

  private async capture(device: Device): Promise<MediaStreamTrack> {
    if (!navigator.mediaDevices) throw new DOMException('insecure context', 'SecurityError');
    const state = this.store.get();
    const chosen = device === 'camera' ? state.cameraId : state.microphoneId;
    const deviceId = chooseDevice(state.list, KINDS[device], chosen);
    const which = deviceId ? { deviceId: { ideal: deviceId } } : {};
    const stream = await navigator.mediaDevices.getUserMedia(
      device === 'camera'
        ? {
            video: {
              ...which,
              width: { ideal: 1280 },
              height: { ideal: 720 },
              frameRate: { ideal: 30, max: 30 },
            },
          }
        : { audio: { ...which, echoCancellation: true, noiseSuppression: true, autoGainControl: true } },
    );
    const [track] = stream.getTracks();
    if (!track) throw new DOMException('no track', 'NotFoundError');
    return track;
  }

  private stop(device: Device): void {
    this.store.get()[device]?.stop();
    this.store.dispatch({ [device]: null });
  }

  private unplugged(device: Device, track: MediaStreamTrack): void {
    if (this.store.get()[device] !== track) return;
    const trouble = device === 'camera' ? 'The camera was unplugged.' : 'The microphone was unplugged.';
    this.store.dispatch(
      device === 'camera'
        ? { camera: null, cameraTrouble: trouble }
        : { microphone: null, microphoneTrouble: trouble },
    );
    void this.refresh();
  }

  private inTurn<T>(device: Device, work: () => Promise<T>): Promise<T> {
    const turn = this.turns[device].then(work, work);
    this.turns[device] = turn.catch(() => undefined);
    return turn;
  }
}
