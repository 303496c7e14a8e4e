/** Why an image cannot be opened, or written. */
import { UngilError } from "@ungil/kernel";

/** The file is something else, or there is none. */
export class NotAnImageError extends UngilError {
  constructor(
    readonly file: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super("NOT_AN_IMAGE", `${file} is no image of a heap: ${reason}`, options);
  }
}

/** An image of another format: of another version of ungil, or with pages of another size. */
export class ImageVersionError extends UngilError {
  constructor(
    readonly file: string,
    what: string,
    found: unknown,
    expected: unknown,
  ) {
    super(
      "IMAGE_VERSION",
      `${file} is an image that cannot be read here: ${what} is ${found}, and ${expected} is expected`,
    );
  }
}

/** The file is shorter than it was, or something in it is not what was written. */
export class ImageCorruptedError extends UngilError {
  constructor(
    readonly file: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super("IMAGE_CORRUPTED", `The image ${file} is damaged: ${reason}`, options);
  }
}

/** Another process saves into the same file. */
export class ImageBusyError extends UngilError {
  constructor(
    readonly file: string,
    who: string,
    claim: string,
  ) {
    super(
      "IMAGE_BUSY",
      `${who} is saving into ${file}. Wait until it is done; if there is no such process any more, remove ${claim}`,
    );
  }
}

/** The operating system could not read or write the file: `cause` says why. What it held before, it holds still. */
export class ImageFileError extends UngilError {
  constructor(
    readonly file: string,
    what: string,
    cause: unknown,
  ) {
    super("IMAGE_FILE", `${what} ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
