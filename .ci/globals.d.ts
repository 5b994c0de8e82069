/** What Python writes into the page before its scripts: `page/activations.py`. */
declare const ACTIVATIONS: Record<string, {
  parameters: Record<string, number | string | null>;
  words: Record<string, string[]>;
  aliases: string[];
  value: (x: number, ...parameters: any[]) => number;
  slope: (x: number, y: number, ...parameters: any[]) => number;
  worked: (x: number, ...parameters: any[]) => string;
}>;
