/** Colours that people who see fewer of them tell apart too, for light and for dark pages. */
const LIGHT = ['#0072b2', '#d55e00', '#008a62', '#b0468a', '#8a6d00', '#555555']
const DARK = ['#5ab4e8', '#ff9248', '#3fd0a0', '#f29ac9', '#e8cf4a', '#b8b8b8']
export const COLOURS = LIGHT.length

const STYLE = `
  .page { fill: #ffffff } text { fill: #1f2328; font: 12px system-ui, sans-serif } .title { font-size: 15px; font-weight: 600 }
  .grid { stroke: #d1d9e0; stroke-width: 1 } .whisker { stroke: #1f2328; stroke-width: 1.5 }
  ${rules(LIGHT)}
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #30363d } .whisker { stroke: #e6edf3 }
    ${rules(DARK)}
  }`

/** A whole picture. `body` is of the functions below, or of what they are made of. */
export function svg(width: number, height: number, title: string, body: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="page" width="${width}" height="${height}"/>`,
    label(title, 16, 24, 'start', 'title'),
    ...body,
    '</svg>\n'
  ].join('\n')
}

export function label(text: string, x: number, y: number, anchor: 'start' | 'middle' | 'end' = 'start', name?: string): string {
  const of = name === undefined ? '' : ` class="${name}"`
  return `<text${of} x="${at(x)}" y="${at(y)}" text-anchor="${anchor}">${escaped(text)}</text>`
}

export function stroke(name: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${name}" x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}"/>`
}

/** A coordinate, to a tenth of a pixel. */
export function at(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function rules(colours: readonly string[]): string {
  return colours.map((colour, index) => `.line${index} { stroke: ${colour} } .area${index} { fill: ${colour} }`).join(' ')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
