// For people who know what they do: another codec for the camera, of those this browser sends in layers.
import { useEffect, useState } from 'react';
import { rememberCodec, rememberedCodec, sendsLayersInside, type VideoCodec } from '../../media/encodings';
import { Select } from '../base/Field';
import styles from './CodecPicker.module.css';

const WORDS = { vp8: 'VP8 (works everywhere)', vp9: 'VP9', av1: 'AV1' } as const;
type Choice = keyof typeof WORDS;

export function CodecPicker() {
  const [offered, setOffered] = useState<Choice[]>(['vp8']);
  const [chosen, setChosen] = useState<VideoCodec>(() => rememberedCodec() ?? 'vp8');
  useEffect(() => {
    let shown = true;
    const asked = (['vp9', 'av1'] as const).map(async (codec) =>
      (await sendsLayersInside(codec)) ? [codec] : [],
    );
    void Promise.all(asked).then((found) => {
      if (shown) setOffered(['vp8', ...found.flat()]);
    });
    return () => {
      shown = false;
    };
  }, []);
  const choose = (value: string) => {
    const codec = offered.find((one) => one === value) ?? 'vp8';
    rememberCodec(codec);
    setChosen(codec);
  };
  return (
    <details className={styles.advanced}>
      <summary>Advanced</summary>
      <Select
        label="Video codec"
        value={offered.find((one) => one === chosen) ?? 'vp8'}
        options={offered.map((value) => ({ value, label: WORDS[value] }))}
        disabled={offered.length === 1}
        onChange={choose}
      />
      <p>Others save bandwidth and cost more of the processor. Used from the next meeting on.</p>
    </details>
  );
}
