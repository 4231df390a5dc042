// Camera, microphone and speaker, as far as this browser lets one choose.
import { chooseDevice, deviceLabel } from '../../media/choice';
import type { LocalDevices } from '../../media/devices';
import { Select } from '../base/Field';
import { useStore } from '../useStore';
import styles from './DevicePicker.module.css';

type Choose = (kind: 'camera' | 'microphone' | 'speaker', deviceId: string) => void;

const ROWS = [
  { kind: 'camera', media: 'videoinput', label: 'Camera' },
  { kind: 'microphone', media: 'audioinput', label: 'Microphone' },
  { kind: 'speaker', media: 'audiooutput', label: 'Speaker' },
] as const;

/** Speakers can be chosen where media elements can be told their sink. */
const CAN_CHOOSE_SPEAKER = 'setSinkId' in HTMLMediaElement.prototype;

export function DevicePicker({ devices, onChoose }: { devices: LocalDevices; onChoose: Choose }) {
  const state = useStore(devices.store, (now) => now);
  const chosen = { camera: state.cameraId, microphone: state.microphoneId, speaker: state.speakerId };
  return (
    <div className={styles.pickers}>
      {ROWS.filter(({ kind }) => kind !== 'speaker' || CAN_CHOOSE_SPEAKER).map(({ kind, media, label }) => {
        const known = state.list.filter((device) => device.kind === media && device.deviceId !== '');
        const options = known.map((device, index) => ({
          value: device.deviceId,
          label: deviceLabel(device, index),
        }));
        const none = [{ value: '', label: kind === 'speaker' ? 'System default' : `No ${kind}` }];
        return (
          <Select
            key={kind}
            label={label}
            value={chooseDevice(known, media, chosen[kind]) ?? ''}
            options={options.length > 0 ? options : none}
            disabled={options.length === 0}
            onChange={(deviceId) => onChoose(kind, deviceId)}
          />
        );
      })}
    </div>
  );
}
