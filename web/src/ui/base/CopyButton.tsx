// Copies a text and says so.
import { useState } from 'react';
import { notify } from '../notices';
import { Button } from './Button';

const DONE_MS = 2_000;

export function CopyButton({ text, label = 'Copy link' }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      setTimeout(() => setCopied(false), DONE_MS);
    } catch {
      notify(`Copy this link: ${text}`);
    }
  };
  return (
    <Button icon={copied ? 'check' : 'copy'} onClick={copy}>
      {copied ? 'Copied' : label}
    </Button>
  );
}
