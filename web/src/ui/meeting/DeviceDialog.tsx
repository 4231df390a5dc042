// Changing devices during the meeting.
import { Dialog } from '../base/Dialog';
import { DevicePicker } from '../lobby/DevicePicker';
import { MicMeter } from '../lobby/MicMeter';
import { useStore } from '../useStore';
import { CodecPicker } from './CodecPicker';
import { useMeeting } from './context';
import styles from './DeviceDialog.module.css';

export function DeviceDialog({ onClose }: { onClose: () => void }) {
  const { devices, controls } = useMeeting();
  const microphone = useStore(devices.store, (state) => state.microphone);
  return (
    <Dialog title="Audio and video devices" narrow onClose={onClose}>
      <div className={styles.content}>
        <DevicePicker devices={devices} onChoose={(kind, id) => void controls.choose(kind, id)} />
        <MicMeter track={microphone} />
        <CodecPicker />
      </div>
    </Dialog>
  );
}
