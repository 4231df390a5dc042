// Files that hang on a line: pictures shown, everything offered for download.
import { useEffect, useState } from 'react';
import type { Attachment } from '../../signaling/chat';
import { readable } from '../../signaling/errors';
import { Button } from '../base/Button';
import { Dialog } from '../base/Dialog';
import { Icon } from '../base/Icon';
import { notify } from '../notices';
import { useServices } from '../services';
import styles from './Files.module.css';
import { bytes } from './size';

/** Pictures a browser decodes safely; SVG is a document and stays a download. */
const SHOWN = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
/** A larger picture is not fetched unasked. */
const SHOWN_BYTES_MAX = 8 * 1024 * 1024;

export function Files({ files }: { files: Attachment[] }) {
  return (
    <div className={styles.files}>
      {files.map((file) =>
        SHOWN.has(file.type) && file.size <= SHOWN_BYTES_MAX ? (
          <Picture key={file.id} file={file} />
        ) : (
          <FileCard key={file.id} file={file} />
        ),
      )}
    </div>
  );
}

function useDownload(file: Attachment): () => Promise<void> {
  const { rest } = useServices();
  return async () => {
    try {
      const address = URL.createObjectURL(await rest.chat.file(file));
      const link = Object.assign(document.createElement('a'), { href: address, download: file.name });
      link.click();
      // The browser has read the address by the next turn of its loop, and the bytes are held until then.
      setTimeout(() => URL.revokeObjectURL(address), 60_000);
    } catch (error) {
      notify(readable(error), 'error');
    }
  };
}

function FileCard({ file }: { file: Attachment }) {
  const download = useDownload(file);
  return (
    <button
      type="button"
      className={styles.file}
      aria-label={`Download ${file.name}, ${bytes(file.size)}`}
      data-testid="chat-file"
      onClick={download}
    >
      <Icon name="file" size={22} />
      <span>
        <strong>{file.name}</strong>
        <small>{bytes(file.size)}</small>
      </span>
    </button>
  );
}

function Picture({ file }: { file: Attachment }) {
  const { rest } = useServices();
  const [address, setAddress] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  const [whole, setWhole] = useState(false);
  const download = useDownload(file);
  useEffect(() => {
    let made: string | null = null;
    let gone = false;
    rest.chat.file(file).then(
      (blob) => {
        if (gone) return;
        made = URL.createObjectURL(blob);
        setAddress(made);
      },
      () => setFailed(true),
    );
    return () => {
      gone = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, [rest, file]);
  if (failed || !address) return <FileCard file={file} />;
  return (
    <>
      <button
        type="button"
        className={styles.picture}
        aria-label={`Picture ${file.name}`}
        data-testid="chat-file"
        onClick={() => setWhole(true)}
      >
        <img src={address} alt={file.name} />
      </button>
      {whole && (
        <Dialog title={file.name} onClose={() => setWhole(false)}>
          <div className={styles.whole}>
            <img src={address} alt={file.name} />
            <Button icon="download" onClick={download}>
              Download, {bytes(file.size)}
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
