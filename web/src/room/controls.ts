// The switches a person has in a meeting: what each does to devices, media and state.
import type { LocalDevices } from '../media/devices';
import { captureScreen } from '../media/screen';
import type { Conference } from './conference';
import { mayBeSeen, mayShareScreen } from './rights';

export class Controls {
  private readonly conference: Conference;
  private readonly devices: LocalDevices;
  private readonly notify: (text: string, tone: 'info' | 'error') => void;

  constructor(
    conference: Conference,
    devices: LocalDevices,
    notify: (text: string, tone: 'info' | 'error') => void,
  ) {
    this.conference = conference;
    this.devices = devices;
    this.notify = notify;
  }

  /** Brings what was set up in the lobby into the meeting; a device that is still opening follows when it is there. */
  begin(on: { microphone: boolean; camera: boolean }): void {
    if (on.microphone) {
      void this.devices
        .settled('microphone')
        .then((track) => track && this.conference.setMicrophone(this.comesInHeard(), track));
    }
    if (on.camera) {
      void this.devices.settled('camera').then((track) => {
        if (track && mayBeSeen(this.conference.store.get())) void this.conference.setCamera(track);
      });
    }
  }

  /** A microphone that opened late comes into a meeting that is known already. */
  private comesInHeard(): boolean {
    return !this.conference.store.get().policy.muteOnEntry;
  }

  /** Follows devices that are unplugged, and a camera that may not be on; returns the way to stop. */
  watch(): () => void {
    const { devices, conference } = this;
    const ends = [
      devices.store.subscribe(() => this.followDevices()),
      conference.store.subscribe(() => this.darken()),
    ];
    this.darken();
    return () => {
      for (const end of ends) end();
    };
  }

  private followDevices(): void {
    const { microphone, camera, microphoneTrouble, cameraTrouble } = this.devices.store.get();
    const { self } = this.conference.store.get();
    if (self.audio && !microphone && microphoneTrouble) {
      this.notify(microphoneTrouble, 'error');
      void this.conference.setMicrophone(false, null);
    }
    if (self.video && !camera && cameraTrouble) {
      this.notify(cameraTrouble, 'error');
      void this.conference.setCamera(null);
    }
  }

  /** Where only hosts are seen, the light beside the lens goes out as well. */
  private darken(): void {
    if (mayBeSeen(this.conference.store.get()) || !this.devices.store.get().camera) return;
    void this.devices.close('camera');
  }

  toggleMicrophone = (): Promise<void> => this.setMicrophone(!this.conference.store.get().self.audio);

  setMicrophone = async (on: boolean): Promise<void> => {
    if (on && this.conference.store.get().self.hostMuted) {
      this.notify('The host muted you. Raise your hand if you want to speak.', 'info');
      return;
    }
    const track = this.devices.store.get().microphone ?? (on ? await this.devices.open('microphone') : null);
    if (on && !track) this.notify(this.devices.store.get().microphoneTrouble ?? 'No microphone.', 'error');
    else await this.conference.setMicrophone(on, track);
  };

  toggleCamera = async (): Promise<void> => {
    if (this.conference.store.get().self.video) {
      await this.conference.setCamera(null);
      // The light beside the lens goes out only when the device is closed.
      await this.devices.close('camera');
      return;
    }
    if (!mayBeSeen(this.conference.store.get())) {
      this.notify('Only hosts may turn their camera on in this meeting.', 'info');
      return;
    }
    const track = await this.devices.open('camera');
    if (track) await this.conference.setCamera(track);
    else this.notify(this.devices.store.get().cameraTrouble ?? 'No camera.', 'error');
  };

  toggleScreen = async (): Promise<void> => {
    if (this.conference.store.get().self.screen) return this.stopScreen();
    if (!mayShareScreen(this.conference.store.get())) {
      this.notify('You may not share your screen in this meeting.', 'info');
      return;
    }
    try {
      const capture = await captureScreen();
      if (!capture) return;
      // The browser's own "stop sharing" bar ends the track without asking us.
      capture.video.addEventListener('ended', () => void this.stopScreen());
      await this.conference.setScreen(capture.video, capture.audio);
    } catch {
      this.notify('This screen could not be shared.', 'error');
    }
  };

  toggleHand = (): Promise<void> => {
    const { self } = this.conference.store.get();
    return this.conference.setHand(self.handRaisedAt === null);
  };

  choose = async (kind: 'camera' | 'microphone' | 'speaker', deviceId: string): Promise<void> => {
    const track = await this.devices.choose(kind, deviceId);
    if (!track) return;
    if (kind === 'camera') await this.conference.setCamera(track);
    else await this.conference.setMicrophone(this.conference.store.get().self.audio, track);
  };

  private stopScreen = async (): Promise<void> => {
    if (!this.conference.store.get().self.screen) return;
    this.conference.stopScreenTracks();
    await this.conference.setScreen(null, null);
  };
}
