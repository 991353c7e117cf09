//! Pictures that people supply: decoded within limits, made small, and written anew. Of what was sent
//! nothing is left but the colours of its pixels: no metadata, nothing behind the end, no other way to
//! read the same bytes. The home of the `image` crate.
//!
//! All of this occupies a core for a while; `service::pictures` does it on a thread of its own.

use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::imageops::FilterType;
use image::{
    DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits, Rgba, RgbaImage,
};

/// The longest file that is taken, in bytes.
pub const LONGEST: usize = 512 * 1024;
/// The most pixels on each side of what is taken.
const MOST_ON_A_SIDE: u32 = 4_096;
/// What a decoder may occupy, in bytes: a picture of the largest size with four bytes a pixel, and what
/// is read besides.
const MOST_MEMORY: u64 = 96 * 1024 * 1024;

/// A picture as it is kept and served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub png: Vec<u8>,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// What a picture is made to fit into, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub width: u32,
    pub height: u32,
}

/// The room of an app's logo.
pub const OF_AN_APP: Room = Room { width: 512, height: 512 };
/// That of the logos of the installation, which are often words.
pub const OF_THE_BRAND: Room = Room { width: 640, height: 160 };

impl std::fmt::Display for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} × {}", self.width, self.height)
    }
}

/// Why something sent is no picture for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureProblem {
    #[error("the file is empty; choose a PNG, JPEG or WebP file")]
    Empty,
    #[error("the file is longer than 512 KiB; make it smaller")]
    TooLong,
    #[error("the file is no PNG, JPEG or WebP picture; save it as one of these")]
    NotAPicture,
    #[error("the picture has more than {MOST_ON_A_SIDE} pixels on a side; make it smaller")]
    TooManyPixels,
    #[error("the picture is damaged or ends early; save it once more")]
    Damaged,
}

impl From<ImageError> for PictureProblem {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooManyPixels,
            ImageError::Unsupported(_) => Self::NotAPicture,
            _ => Self::Damaged,
        }
    }
}

/// Makes the picture to be kept of what was sent. What is larger than the room becomes smaller, nothing
/// becomes larger. Of moving pictures the first frame counts.
///
/// # Errors
/// [`PictureProblem`].
pub fn remade(sent: &[u8], room: Room) -> Result<Picture, PictureProblem> {
    let image = decoded(sent)?;
    let image = if image.width() > room.width || image.height() > room.height {
        smaller(image, room)
    } else {
        image.into_rgba8()
    };
    encoded(&image)
}

fn decoded(sent: &[u8]) -> Result<DynamicImage, PictureProblem> {
    if sent.is_empty() {
        return Err(PictureProblem::Empty);
    }
    if sent.len() > LONGEST {
        return Err(PictureProblem::TooLong);
    }
    // By what the bytes are, whatever a name or a header calls them.
    let format = image::guess_format(sent).map_err(|_| PictureProblem::NotAPicture)?;
    match format {
        ImageFormat::Png | ImageFormat::WebP => {}
        ImageFormat::Jpeg if has_its_end(sent) => {}
        ImageFormat::Jpeg => return Err(PictureProblem::Damaged),
        _ => return Err(PictureProblem::NotAPicture),
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_ON_A_SIDE);
    limits.max_image_height = Some(MOST_ON_A_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(sent), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > MOST_ON_A_SIDE || decoder.total_bytes() > MOST_MEMORY {
        return Err(PictureProblem::TooManyPixels);
    }
    // Cameras write sideways what they say is upright, and what they say is lost here.
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// Whether a JPEG is all there. The decoder makes up what is missing. Inside of compressed data no marker
/// can stand (ITU-T T.81 section B.1.1.5), so the last end has to come after the last scan begins.
fn has_its_end(jpeg: &[u8]) -> bool {
    let last = |marker: [u8; 2]| jpeg.windows(2).rposition(|pair| pair == marker);
    let (scan, end) = (last([0xff, 0xda]), last([0xff, 0xd9]));
    scan.is_some() && end > scan
}

/// Fits a picture into the room. Colours are weighed by how much of them is seen: what lies under
/// transparent pixels would otherwise shine through at the edges.
fn smaller(image: DynamicImage, room: Room) -> RgbaImage {
    let mut pixels = image.into_rgba8();
    pixels.pixels_mut().for_each(weigh);
    let image = DynamicImage::ImageRgba8(pixels);
    let mut pixels = image.resize(room.width, room.height, FilterType::CatmullRom).into_rgba8();
    pixels.pixels_mut().for_each(unweigh);
    pixels
}

fn weigh(Rgba([red, green, blue, alpha]): &mut Rgba<u8>) {
    for channel in [red, green, blue] {
        *channel = scaled(*channel, *alpha, 255);
    }
}

fn unweigh(Rgba([red, green, blue, alpha]): &mut Rgba<u8>) {
    for channel in [red, green, blue] {
        *channel = scaled(*channel, 255, *alpha);
    }
}

/// `value * by / of`, at most 255; 0 where `of` is.
fn scaled(value: u8, by: u8, of: u8) -> u8 {
    let product = u16::from(value) * u16::from(by) + u16::from(of) / 2;
    u8::try_from(product.checked_div(u16::from(of)).unwrap_or(0)).unwrap_or(u8::MAX)
}

fn encoded(image: &RgbaImage) -> Result<Picture, PictureProblem> {
    let mut png = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut png, CompressionType::Best, PngFilter::Adaptive);
    image.write_with_encoder(encoder)?;
    Ok(Picture { png, width: image.width(), height: image.height() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room { width: 64, height: 16 };

    fn sample(width: u32, height: u32) -> DynamicImage {
        let pixel = |x: u32, y: u32| Rgba([x.to_be_bytes()[3], y.to_be_bytes()[3], 90, 255]);
        DynamicImage::ImageRgba8(RgbaImage::from_fn(width, height, pixel))
    }

    fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let image = if format == ImageFormat::Jpeg {
            DynamicImage::ImageRgb8(image.to_rgb8())
        } else {
            image.clone()
        };
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn every_kind_becomes_a_png_that_fits_and_keeps_its_shape() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let picture = remade(&written(&sample(128, 64), format), ROOM).unwrap();
            assert_eq!((picture.width, picture.height), (32, 16), "{format:?}");
            assert!(picture.png.starts_with(b"\x89PNG\r\n\x1a\n"));
        }
        let small = remade(&written(&sample(8, 8), ImageFormat::Png), ROOM).unwrap();
        assert_eq!((small.width, small.height), (8, 8), "nothing becomes larger");
        let line = remade(&written(&sample(4_000, 1), ImageFormat::Png), ROOM).unwrap();
        assert_eq!((line.width, line.height), (64, 1));
    }

    #[test]
    fn what_hangs_behind_or_beside_the_pixels_is_lost() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let mut sent = written(&sample(8, 8), format);
            sent.extend_from_slice(b"<script>alert(1)</script>");
            let Ok(picture) = remade(&sent, ROOM) else { continue };
            assert!(!picture.png.windows(7).any(|part| part == b"<script"), "{format:?}");
            let clean = remade(&written(&sample(8, 8), format), ROOM).unwrap();
            assert_eq!(picture, clean, "{format:?}");
        }
    }

    #[test]
    fn a_picture_that_ends_early_is_damaged() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let whole = written(&sample(64, 64), format);
            let half = whole.get(..whole.len() / 2).unwrap();
            assert_eq!(remade(half, ROOM), Err(PictureProblem::Damaged), "{format:?}");
        }
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>".as_slice();
        for bad in [svg, b"<!doctype html>", b"GIF89a\x01\0\x01\0", b"BM", b"\0\0\0\0"] {
            assert_eq!(remade(bad, ROOM), Err(PictureProblem::NotAPicture), "{bad:?}");
        }
        assert_eq!(remade(b"", ROOM), Err(PictureProblem::Empty));
        assert_eq!(remade(&vec![0; LONGEST + 1], ROOM), Err(PictureProblem::TooLong));
        assert_eq!(remade(b"\x89PNG\r\n\x1a\n", ROOM), Err(PictureProblem::Damaged));
    }

    #[test]
    fn enormous_pictures_are_refused_before_anything_is_made_of_them() {
        // Few bytes, and a header that promises the largest PNG there is.
        let mut bomb = written(&sample(1, 1), ImageFormat::Png);
        bomb.splice(16..24, [0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
        let checksum = crc32(bomb.get(12..29).unwrap()).to_be_bytes();
        bomb.splice(29..33, checksum);
        assert_eq!(remade(&bomb, ROOM), Err(PictureProblem::TooManyPixels));
        let wide = written(&sample(MOST_ON_A_SIDE + 1, 1), ImageFormat::Png);
        assert_eq!(remade(&wide, ROOM), Err(PictureProblem::TooManyPixels));
    }

    #[test]
    fn the_largest_picture_that_is_taken_becomes_small() {
        let plain = DynamicImage::new_rgba8(MOST_ON_A_SIDE, MOST_ON_A_SIDE);
        let picture = remade(&written(&plain, ImageFormat::Png), ROOM).unwrap();
        assert_eq!((picture.width, picture.height), (16, 16));
    }

    #[test]
    fn of_a_moving_picture_the_first_frame_is_kept() {
        let still = written(&sample(8, 8), ImageFormat::Png);
        let pixels = |png: &[u8]| {
            let at = png.windows(4).position(|name| name == b"IDAT").unwrap();
            png.get(at + 4..png.len() - 16).unwrap().to_vec()
        };
        let frame = |number: u8| {
            let size = [0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 10, 0, 0];
            chunk(*b"fcTL", &[[0, 0, 0, number].as_slice(), &size].concat())
        };
        let other = DynamicImage::ImageRgba8(RgbaImage::from_pixel(8, 8, Rgba([1, 2, 3, 255])));
        let second = pixels(&written(&other, ImageFormat::Png));
        let (head, rest) = still.split_at(33);
        let (body, end) = rest.split_at(rest.len() - 12);
        let moving = [
            head,
            &chunk(*b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]),
            &frame(0),
            body,
            &frame(1),
            &chunk(*b"fdAT", &[[0, 0, 0, 2].as_slice(), &second].concat()),
            end,
        ];
        assert_eq!(remade(&moving.concat(), ROOM), remade(&still, ROOM));
    }

    /// A chunk of a PNG.
    fn chunk(name: [u8; 4], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        let named = [name.as_slice(), content].concat();
        [length.as_slice(), &named, &crc32(&named).to_be_bytes()].concat()
    }

    /// PNG section D.
    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
            })
        })
    }

    #[test]
    fn hidden_colours_do_not_shine_through() {
        // White beside transparent red.
        let pixel = |x: u32, _| if x < 64 { Rgba([255; 4]) } else { Rgba([255, 0, 0, 0]) };
        let image = DynamicImage::ImageRgba8(RgbaImage::from_fn(130, 16, pixel));
        for Rgba([red, green, _, alpha]) in smaller(image, ROOM).pixels() {
            assert!(*alpha < 16 || green.saturating_add(8) >= *red, "{red} {green} {alpha}");
        }
    }
}
