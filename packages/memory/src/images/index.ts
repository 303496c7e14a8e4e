/** Images: heaps in files, as content-addressed pages. Their format: docs/image-format.md. */
export { ImageBusyError, ImageCorruptedError, ImageFileError, ImageVersionError, NotAnImageError } from "./errors.js";
export type { ImagePage } from "./manifest.js";
export { ImageReader } from "./reader.js";
export { ImageWriter, type ImageWritten } from "./writer.js";
