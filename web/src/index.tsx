// Where the page starts: real services, then the pages.
import '@fontsource-variable/figtree/index.css';
import './ui/theme.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { cameraCodec, rememberedCodec } from './media/encodings';
import { Rest } from './signaling/rest';
import { openSocket } from './signaling/socket';
import { App } from './ui/App';
import { type Services, ServicesContext } from './ui/services';
import { session } from './ui/session';
import { applyTheme } from './ui/theme';
import { exposeForTests } from './ui/window';

const services: Services = {
  rest: new Rest(() => session.get().token),
  openSignaling: openSocket,
  openMedia: async (signaling, meetingId, config, onFailed) => {
    const { openSession } = await import('./media/mediasoup');
    return openSession({
      signaling,
      meetingId,
      config,
      codec: cameraCodec(location.search, rememberedCodec()),
      onFailed,
    });
  },
};

applyTheme();
exposeForTests();

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <ServicesContext value={services}>
        <App />
      </ServicesContext>
    </StrictMode>,
  );
}
