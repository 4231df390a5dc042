// The bar below the stage: one's own switches, the panels, the way out.
import { useEffect, useState } from 'react';
import { canShareScreen } from '../../media/screen';
import { isHost, mayShareScreen } from '../../room/rights';
import type { Panel } from '../../room/state';
import { Icon } from '../base/Icon';
import { notify } from '../notices';
import { BarButton } from './BarButton';
import styles from './ControlBar.module.css';
import { useMeeting, useRoom } from './context';
import type { OpenDialog } from './MeetingRoom';
import { MoreMenu } from './MoreMenu';
import { ReactButton } from './ReactButton';

export function ControlBar({ onDialog }: { onDialog: (dialog: OpenDialog) => void }) {
  const { conference } = useMeeting();
  const host = useRoom(isHost);
  const leave = () => {
    if (host) onDialog('leave');
    else void conference.leave();
  };
  return (
    <footer className={styles.bar}>
      <Where />
      <div className={styles.switches} role="toolbar" aria-label="Meeting controls">
        <MediaButtons />
        <BarButton icon="leave" label="Leave" tone="leave" onClick={leave} />
      </div>
      <div className={styles.panels}>
        <Panels />
        <MoreMenu onDialog={onDialog} />
      </div>
    </footer>
  );
}

function Where() {
  const name = useRoom((state) => state.meeting?.meeting_name);
  const locked = useRoom((state) => state.meeting?.requires_password || state.policy.lockMeeting);
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 5_000);
    return () => clearInterval(timer);
  }, []);
  const time = new Date(now).toLocaleTimeString([], { hour: 'numeric', minute: '2-digit' });
  return (
    <div className={styles.where}>
      <strong title={name}>{name}</strong>
      <span>
        {time}
        {locked && <Icon name="lock" size={14} />}
      </span>
    </div>
  );
}

function MediaButtons() {
  const { controls } = useMeeting();
  const audio = useRoom((state) => state.self.audio);
  const video = useRoom((state) => state.self.video);
  const screen = useRoom((state) => state.self.screen);
  const hand = useRoom((state) => state.self.handRaisedAt !== null);
  const mayShare = useRoom(mayShareScreen);
  const features = useRoom((state) => state.meeting?.features);
  return (
    <>
      <BarButton
        icon={audio ? 'mic' : 'mic-off'}
        label={audio ? 'Mute' : 'Unmute'}
        shortcut="M"
        tone={audio ? 'on' : 'off'}
        onClick={controls.toggleMicrophone}
      />
      <BarButton
        icon={video ? 'camera' : 'camera-off'}
        label={video ? 'Turn camera off' : 'Turn camera on'}
        shortcut="V"
        tone={video ? 'on' : 'off'}
        onClick={controls.toggleCamera}
      />
      {canShareScreen() && mayShare && (
        <BarButton
          icon={screen ? 'screen-off' : 'screen'}
          label={screen ? 'Stop sharing' : 'Share screen'}
          shortcut="S"
          tone={screen ? 'active' : 'on'}
          onClick={controls.toggleScreen}
        />
      )}
      {features?.hand_raise_enabled !== false && (
        <BarButton
          icon="hand"
          label={hand ? 'Lower hand' : 'Raise hand'}
          shortcut="H"
          tone={hand ? 'raised' : 'on'}
          onClick={controls.toggleHand}
        />
      )}
      <ReactButton />
    </>
  );
}

function Panels() {
  const { conference } = useMeeting();
  const panel = useRoom((state) => state.panel);
  const unread = useRoom((state) => state.unread);
  const people = useRoom((state) => state.order.length + 1);
  const chat = useRoom((state) => state.meeting?.features?.chat_enabled !== false);
  const toggle = (wanted: Panel) => {
    if (wanted === 'chat' && !chat) notify('Chat is turned off in this meeting.');
    else conference.openPanel(panel === wanted ? null : wanted);
  };
  return (
    <>
      <BarButton
        icon="chat"
        label="Chat"
        shortcut="C"
        tone={panel === 'chat' ? 'active' : 'plain'}
        badge={unread > 0 ? { text: unread > 99 ? '99+' : String(unread), loud: true } : undefined}
        pressed={panel === 'chat'}
        onClick={() => toggle('chat')}
      />
      <BarButton
        icon="people"
        label="Participants"
        shortcut="P"
        tone={panel === 'people' ? 'active' : 'plain'}
        badge={{ text: String(people), loud: false }}
        pressed={panel === 'people'}
        onClick={() => toggle('people')}
      />
    </>
  );
}
