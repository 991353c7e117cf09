//! Pictures, and how administrators upload them.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use reqwest::Method;

use crate::kit::console::Admin;
use crate::support::browser_like::Page;

/// A picture of one colour.
pub fn picture(format: ImageFormat, (width, height): (u32, u32), shade: u8) -> Vec<u8> {
    let pixels = RgbaImage::from_pixel(width, height, Rgba([shade, 90, 40, 255]));
    let image = DynamicImage::ImageRgba8(pixels);
    let image = match format {
        ImageFormat::Jpeg => DynamicImage::ImageRgb8(image.to_rgb8()),
        _ => image,
    };
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("a picture");
    bytes.into_inner()
}

/// A small PNG of one colour.
pub fn png(shade: u8) -> Vec<u8> {
    picture(ImageFormat::Png, (300, 60), shade)
}

/// A file of a few hundred bytes that says it is a PNG of `side` by `side` pixels.
pub fn bomb(side: u32) -> Vec<u8> {
    let mut bytes = picture(ImageFormat::Png, (1, 1), 0);
    let side = side.to_be_bytes();
    bytes.splice(16..24, [side, side].concat());
    let checksum = crc32(&bytes[12..29]).to_be_bytes();
    bytes.splice(29..33, checksum);
    bytes
}

/// The checksum of a PNG's chunk (PNG, third edition, annex D).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

/// A PNG with one more chunk of text, as cameras and attackers write them.
pub fn with_text(png: &[u8], text: &str) -> Vec<u8> {
    let mut chunk = b"tEXtComment\0".to_vec();
    chunk.extend_from_slice(text.as_bytes());
    let length = u32::try_from(chunk.len() - 4).expect("short").to_be_bytes();
    let checksum = crc32(&chunk).to_be_bytes();
    let mut all = png.to_vec();
    // Behind the header chunk.
    all.splice(33..33, [&length[..], &chunk, &checksum].concat());
    all
}

/// Uploads a file the way a browser does from a page of ours.
pub async fn upload(admin: &Admin, path: &str, file: &[u8]) -> Page {
    let csrf = admin.csrf().await;
    upload_with(admin, path, (file, &csrf)).await
}

/// The same with this token.
pub async fn upload_with(admin: &Admin, path: &str, (file, csrf): (&[u8], &str)) -> Page {
    let mut body = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n--edge\r\n\
         Content-Disposition: form-data; name=\"picture\"; filename=\"logo.png\"\r\n\
         Content-Type: image/png\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    let browser = &admin.browser;
    let request = browser.request(Method::POST, &browser.resolve(path)).body(body);
    let request = request.header("Content-Type", "multipart/form-data; boundary=edge");
    browser.send(request.header("Sec-Fetch-Site", "same-origin")).await
}
