// What the page's scripts share, for tsc: what review/embryo.py and review/page.py write.

interface Tissue { key: string; name: string; label: number; colour: string }
interface ColumnWords { name: string; words: string; unit: string; definition: string }
interface Entry {
  key: string; name: string; patient: string; dish: string; fate: string; reason: string; status: string;
  flags: string[]; hours: number | null; stage: number | null; grade: string; lab: string;
  frames: number; doubtful: number; corrected: number; confidence: number | null; area: number | null;
  numbers: string[]; still: boolean; outlines: Record<string, string>;
}
interface Index {
  notice: string; software: string; weights: string; weights_sha256: string; unit: string;
  alphabet: string; still_side: number; tissues: Tissue[]; headlines: { words: string; unit: string }[];
  frame_columns: ColumnWords[]; correction_columns: string[]; embryo_columns: ColumnWords[]; embryos: Entry[];
}
interface EventRow {
  event: string; last_before_h: number | null; first_after_h: number | null;
  last_before_frame: number | null; first_after_frame: number | null; note: string | null;
}
interface EpisodeRow {
  episode_from_h: number | null; episode_to_h: number | null; episode_frames: number;
  episode_kind: string; doubt: string; worst_frame: number;
}
interface EmbryoData {
  still: number;
  frames: {
    time_h: (number | null)[]; frame_index: number[]; focal_plane: (number | null)[]; status: string[];
    flags: string[]; reason: string[]; course_flags: string[]; overlay: string[];
    corrected: string[]; corrected_by: string[];
  };
  measures: Record<string, (number | null)[]>;
  film: {
    side: number; across: number; fineness: number; sheets: string[]; seen: number[];
    outlines: Record<string, string>[]; window: number[];
  };
  whole: Record<string, number | string | boolean | null>;
  events: EventRow[]; episodes: EpisodeRow[];
  planes: { frame_index: number; focal_plane: number; status: string; overlay: string | null }[];
}
interface Verdict { verdict: string; grade: string; note: string; at: string; saved?: boolean }
interface TakenVerdict extends Verdict { embryo: string; by: string; weights: string; weights_sha256: string }
interface Said { by: string; verdicts: Record<string, Verdict> }
interface Labels { height: number; width: number; values: Uint8Array<ArrayBuffer> }
interface ServedFrame {
  revision: string; problem: string; outlines: Record<string, string>;
  texts: Record<string, string>; measures: Record<string, number | null>;
  record?: { how: string; tissues: string[]; by: string; at: string; carried_from: number[]; weights: string };
}
declare const uPlot: any;
