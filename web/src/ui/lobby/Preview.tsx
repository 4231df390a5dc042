// How one will be seen: the mirrored picture with the two switches on it.
import type { LocalDevices } from '../../media/devices';
import { Avatar } from '../base/Avatar';
import { Icon } from '../base/Icon';
import { VideoTrack } from '../meeting/VideoTrack';
import { useStore } from '../useStore';
import styles from './Preview.module.css';

interface PreviewProps {
  devices: LocalDevices;
  userId: string;
  userName: string;
  on: { camera: boolean; microphone: boolean };
  onToggle: (device: 'camera' | 'microphone') => void;
}

export function Preview({ devices, userId, userName, on, onToggle }: PreviewProps) {
  const { camera, cameraTrouble, microphoneTrouble } = useStore(devices.store, (state) => state);
  const picture = on.camera ? camera : null;
  return (
    <div className={styles.preview}>
      {picture ? (
        <VideoTrack track={picture} mirrored />
      ) : (
        <div className={styles.nobody}>
          <Avatar id={userId} name={userName || '?'} size={104} />
          <p>{on.camera ? (cameraTrouble ?? 'Opening your camera…') : 'Your camera is off'}</p>
        </div>
      )}
      {microphoneTrouble && on.microphone && <p className={styles.trouble}>{microphoneTrouble}</p>}
      <div className={styles.switches}>
        <RoundSwitch device="microphone" on={on.microphone && !microphoneTrouble} onToggle={onToggle} />
        <RoundSwitch device="camera" on={on.camera && !cameraTrouble} onToggle={onToggle} />
      </div>
    </div>
  );
}

interface SwitchProps {
  device: 'camera' | 'microphone';
  on: boolean;
  onToggle: (device: 'camera' | 'microphone') => void;
}

function RoundSwitch({ device, on, onToggle }: SwitchProps) {
  const icon = device === 'camera' ? 'camera' : 'mic';
  const label = `Turn ${device} ${on ? 'off' : 'on'}`;
  return (
    <button
      type="button"
      className={`${styles.switch} ${on ? '' : styles.off}`}
      aria-label={label}
      aria-pressed={on}
      title={label}
      onClick={() => onToggle(device)}
    >
      <Icon name={on ? icon : `${icon}-off`} size={22} />
    </button>
  );
}
